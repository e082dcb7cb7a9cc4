import assert from "node:assert/strict";
import { test } from "node:test";
import type { Model } from "../common/engine_loader.ts";
import { SliceClient } from "./slice_client.ts";

/** A model that notes what is asked of the kernel. */
function listening() {
  const asked: number[] = [];
  const model = { send: ({ get }: { get: { index: number } }) => asked.push(get.index) } as unknown as Model;
  return { asked, client: new SliceClient(model, new Map([["axial", 100]])) };
}

// Raw deflate of one stored byte 2: folded difference +1, so the single pixel is 1.
const onePixel = new DataView(Uint8Array.of(0x01, 0x01, 0x00, 0xfe, 0xff, 0x02).buffer);
const answer = (client: SliceClient, index: number) => client.receive({ plane: "axial", index, rows: 1, columns: 1, type: "uint8" }, onePixel);

test("what is looked at is asked for first, then the nearest neighbours", async () => {
  const { asked, client } = listening();
  void client.look("axial", 50);
  assert.deepEqual(asked, [50, 51]); // two under way
  for (const index of [50, 51]) await answer(client, index);
  assert.deepEqual(asked.slice(0, 6), [50, 51, 49, 52]);
});

test("a fast scroll drops what it has passed", async () => {
  const { asked, client } = listening();
  for (let index = 20; index <= 80; index++) void client.look("axial", index);
  for (const index of [...asked]) await answer(client, index);
  assert.ok(asked.includes(80));
  assert.ok(asked.length <= 6, `${asked.length} images were asked for`);
});

test("an image that is here is not asked for again", async () => {
  const { asked, client } = listening();
  const looked = client.look("axial", 3);
  await answer(client, 3);
  assert.deepEqual([...(await looked).pixels], [1]);
  const before = asked.filter((index) => index === 3).length;
  assert.deepEqual([...(await client.look("axial", 3)).pixels], [1]);
  assert.equal(asked.filter((index) => index === 3).length, before);
});

test("an image that the kernel cannot send is an error in words", async () => {
  const { client } = listening();
  const looked = client.look("axial", 0);
  await client.receive({ plane: "axial", index: 0, rows: 1, columns: 1, type: "uint8", error: "too large to send" }, undefined);
  await assert.rejects(looked, /too large to send/);
});

test("the ends of the stack are respected", () => {
  const { asked, client } = listening();
  void client.look("axial", 0);
  assert.ok(asked.every((index) => index >= 0));
});

test("while a cine plays, the frames to come are asked for, the next one first", async () => {
  const { asked, client } = listening();
  void client.look("axial", 98, [99, 0, 1, 2]);
  for (const index of [98, 99, 0]) await answer(client, index);
  assert.deepEqual(asked, [98, 99, 0, 1, 2]);
});
