import assert from "node:assert/strict";
import { test } from "node:test";
import { Player } from "./player.ts";

/** A player on a clock of the test's, with the frames that are here. */
function playing(frames: number, here: (frame: number) => boolean = () => true, setUp: (player: Player) => void = () => {}) {
  globalThis.requestAnimationFrame = () => 0;
  const shown: number[] = [];
  const states: boolean[] = [];
  const player = new Player(frames, 40, {
    ready: here,
    show: async (frame) => void shown.push(frame),
    changed: (state) => states.push(state),
  });
  setUp(player);
  player.play(0, 0);
  const tick = async (now: number) => {
    player.tick(now);
    await new Promise((done) => setTimeout(done)); // the frame is on the screen
  };
  return { player, shown, states, tick };
}

test("a frame is shown when it is due, not before", async () => {
  const { shown, tick } = playing(5);
  for (const now of [10, 39, 40, 41, 79, 80]) await tick(now);
  assert.deepEqual(shown, [1, 2]);
});

test("a slow page leaves frames out, and keeps time", async () => {
  const { shown, tick } = playing(10);
  for (const now of [130, 250]) await tick(now);
  assert.deepEqual(shown, [3, 6]);
});

test("after the last frame comes the first", async () => {
  const { shown, tick } = playing(3);
  for (const now of [40, 80, 120, 160]) await tick(now);
  assert.deepEqual(shown, [1, 2, 0, 1]);
});

test("a frame that has not come is waited for, and none is jumped over", async () => {
  let come = 2;
  const { shown, tick } = playing(10, (frame) => frame <= come);
  for (const now of [40, 80, 120, 400]) await tick(now);
  assert.deepEqual(shown, [1, 2]);
  come = 9;
  for (const now of [401, 410, 442]) await tick(now);
  assert.deepEqual(shown, [1, 2, 3, 4]);
});

test("half the speed is twice the time", async () => {
  const { shown, tick } = playing(5, undefined, (player) => (player.speed = 0.5));
  for (const now of [40, 80, 120, 160]) await tick(now);
  assert.deepEqual(shown, [1, 2]);
});

test("played once, it stops at the end and can be played again", async () => {
  const { player, shown, states, tick } = playing(3, undefined, (one) => (one.once = true));
  for (const now of [40, 80, 120, 160]) await tick(now);
  assert.deepEqual(shown, [1, 2]);
  assert.deepEqual(states, [true, false]);
  player.play(2, 200);
  await tick(240);
  assert.deepEqual(shown, [1, 2, 0]);
});
