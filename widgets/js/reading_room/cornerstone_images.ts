// Gives Cornerstone our images: it asks by id "clerkship:<view>:<index>", we ask the room.
import * as core from "@cornerstonejs/core";
import type { PlaneGeometry } from "./plane_geometry.ts";
import type { PixelType } from "./protocol.ts";
import type { Picture } from "./slice_client.ts";

const SCHEME = "clerkship";
const CACHE_BYTES = 512 * 2 ** 20;

export interface ImageSource {
  geometry: PlaneGeometry;
  modality: string;
  colour: boolean;
  fetch(index: number): Promise<Picture>;
}

const sources = new Map<string, ImageSource>();
const constructors: Record<PixelType, string> = {
  uint8: "Uint8Array",
  int16: "Int16Array",
  uint16: "Uint16Array",
  float32: "Float32Array",
};

/** To be called once per page. */
export function registerImages(): void {
  core.imageLoader.registerImageLoader(SCHEME, (imageId: string) => ({ promise: load(imageId), cancelFn() {} }) as never);
  core.metaData.addProvider((type: string, imageId: unknown) => describe(type, String(imageId)), 100);
  core.cache.setMaxCacheSize(CACHE_BYTES);
}

/** Opens a stack; returns its image ids. */
export function addSource(view: string, source: ImageSource): string[] {
  sources.set(view, source);
  return Array.from({ length: source.geometry.info.slices }, (_, index) => `${SCHEME}:${view}:${index}`);
}

/** Forgets a stack and its cached images. */
export function removeSource(view: string, imageIds: readonly string[]): void {
  sources.delete(view);
  for (const id of imageIds) if (core.cache.getImageLoadObject(id)) core.cache.removeImageLoadObject(id, { force: true });
}

function parse(imageId: string): { source: ImageSource; view: string; index: number } | undefined {
  const [scheme, view, index] = imageId.split(":");
  const source = scheme === SCHEME && view ? sources.get(view) : undefined;
  return source && view ? { source, view, index: Number(index) } : undefined;
}

async function load(imageId: string): Promise<unknown> {
  const found = parse(imageId);
  if (!found) throw new Error(`${imageId}: this image's room is closed`);
  const { geometry } = found.source;
  const picture = await found.source.fetch(found.index);
  const { pixels, rows, columns } = picture;
  const samples = picture.samples ?? 1;
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  if (samples === 3) [least, most] = [0, 255];
  else {
    for (const value of pixels) {
      if (value < least) least = value;
      if (value > most) most = value;
    }
  }
  const [dx, dy, dz] = geometry.spacing;
  return {
    imageId,
    getPixelData: () => pixels,
    dataType: constructors[picture.type],
    numberOfComponents: samples,
    voxelManager: core.utilities.VoxelManager.createImageVoxelManager({ scalarData: pixels, width: columns, height: rows, numberOfComponents: samples } as never),
    rows,
    columns,
    height: rows,
    width: columns,
    sizeInBytes: pixels.byteLength,
    columnPixelSpacing: dx,
    rowPixelSpacing: dy,
    sliceThickness: dz,
    minPixelValue: least,
    maxPixelValue: most,
    slope: 1, // the kernel sends values after the modality LUT
    intercept: 0,
    windowCenter: (least + most) / 2,
    windowWidth: Math.max(1, most - least),
    voiLUTFunction: "LINEAR",
    color: samples === 3,
    rgba: false,
    invert: false, // the look says so, see cornerstone_view.ts
    photometricInterpretation: samples === 3 ? "RGB" : "MONOCHROME2",
  };
}

function describe(type: string, imageId: string): unknown {
  const found = parse(imageId);
  if (!found) return undefined;
  const { geometry, modality } = found.source;
  const { rows, columns } = geometry.info;
  const [dx, dy, dz] = geometry.spacing;
  const [along, down] = geometry.directions;
  switch (type) {
    case "imagePlaneModule":
      return {
        // One frame per view: marks of one room never appear in another.
        frameOfReferenceUID: `${SCHEME}:${found.view}`,
        rows,
        columns,
        rowCosines: along,
        columnCosines: down,
        imageOrientationPatient: [...along, ...down],
        imagePositionPatient: geometry.patientFromPlane([0, 0, found.index]),
        pixelSpacing: [dy, dx],
        rowPixelSpacing: dy,
        columnPixelSpacing: dx,
        sliceThickness: dz,
      };
    case "imagePixelModule":
      return found.source.colour
        ? { bitsAllocated: 8, bitsStored: 8, highBit: 7, samplesPerPixel: 3, pixelRepresentation: 0, photometricInterpretation: "RGB", planarConfiguration: 0, rows, columns }
        : { bitsAllocated: 16, bitsStored: 16, highBit: 15, samplesPerPixel: 1, pixelRepresentation: 1, photometricInterpretation: "MONOCHROME2", rows, columns };
    case "generalSeriesModule":
      return { modality, seriesInstanceUID: found.view };
    case "modalityLutModule":
      return { rescaleSlope: 1, rescaleIntercept: 0 };
    default:
      return undefined;
  }
}
