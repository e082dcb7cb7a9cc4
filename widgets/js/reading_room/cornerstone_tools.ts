// Cornerstone's annotation tools as we use them: it draws and reshapes, the kernel measures.
import * as core from "@cornerstonejs/core";
import * as tools from "@cornerstonejs/tools";
import type { Kind, Mark, Point2, Point3 } from "./protocol.ts";
import type { PlaneGeometry } from "./plane_geometry.ts";
import { simplified } from "./svg.ts";

/** What we use of Cornerstone's annotation object. */
export interface CornerstoneMark {
  annotationUID: string;
  highlighted?: boolean;
  invalidated?: boolean;
  isVisible?: boolean;
  isLocked?: boolean;
  metadata: Record<string, unknown>;
  data: {
    label?: string;
    /** Text beside the shape; undefined while it changes. */
    clerkshipLines?: string[];
    handles: { points: Point3[]; activeHandleIndex: number | null; textBox?: unknown; arrowFirst?: boolean };
    contour?: { polyline: Point3[]; closed: boolean };
    cachedStats: Record<string, unknown>;
  };
}

export const toolNames: Record<Kind, string> = {
  length: tools.LengthTool.toolName,
  angle: tools.AngleTool.toolName,
  ellipse: tools.EllipticalROITool.toolName,
  region: tools.PlanarFreehandROITool.toolName,
  arrow: tools.ArrowAnnotateTool.toolName,
  point: tools.ProbeTool.toolName,
};

export function kindOf(toolName: string): Kind | undefined {
  return (Object.keys(toolNames) as Kind[]).find((kind) => toolNames[kind] === toolName);
}

const linesOf = (data: CornerstoneMark["data"]) => data.clerkshipLines ?? [];

// Statistics are the kernel's work, on the true values: Cornerstone's are switched off, and with them
// its compute worker, which could not start from a blob.
const noStatistics = () => ({});
class Length extends tools.LengthTool {
  override _calculateCachedStats = noStatistics as never;
}
class Ellipse extends tools.EllipticalROITool {
  override _calculateCachedStats = noStatistics as never;
  override _throttledCalculateCachedStats = noStatistics as never;
}
class Point extends tools.ProbeTool {
  // Called when a point has moved: the only sign of it that this tool gives.
  override _calculateCachedStats = ((annotation: CornerstoneMark) => {
    if (annotation.invalidated) core.triggerEvent(core.eventTarget, tools.Enums.Events.ANNOTATION_MODIFIED, { annotation });
    annotation.invalidated = false;
    return {};
  }) as never;
}
class Region extends tools.PlanarFreehandROITool {
  constructor(...properties: ConstructorParameters<typeof tools.PlanarFreehandROITool>) {
    super(...properties);
    Object.assign(this, { _calculateCachedStats: noStatistics, _throttledCalculateCachedStats: noStatistics }); // private upstream
  }
}

/** To be called once per page. */
export function registerTools(): void {
  for (const tool of [Length, tools.AngleTool, Ellipse, Region, tools.ArrowAnnotateTool, Point]) tools.addTool(tool);
  const mark = "rgb(255, 209, 102)";
  const chosen = "rgb(94, 224, 208)";
  const { style } = tools.annotation.config;
  const defaults = style.getDefaultToolStyles();
  style.setDefaultToolStyles({
    ...defaults,
    global: {
      ...defaults.global,
      color: mark,
      colorHighlighted: "rgb(255, 236, 190)",
      colorSelected: chosen,
      lineWidth: "1.75",
      textBoxFontFamily: "system-ui, sans-serif",
      textBoxFontSize: "12px",
      textBoxColor: "rgb(228, 234, 239)",
      textBoxColorHighlighted: "rgb(255, 255, 255)",
      textBoxColorSelected: "rgb(255, 255, 255)",
      textBoxBackground: "",
      textBoxLinkLineDash: "2,4",
    },
  } as never);
}

/** A tool group for one viewport, in which `unit` is what lengths are said in. */
export function makeToolGroup(id: string, viewportId: string, engineId: string, unit: "mm" | "px") {
  const group = tools.ToolGroupManager.createToolGroup(id)!;
  const live = (measure: (points: Point3[]) => string) => (data: CornerstoneMark["data"]) => data.clerkshipLines ?? [measure(data.handles.points)];
  group.addTool(toolNames.length, { getTextLines: live((points) => `${distance(points[0]!, points[1]!).toFixed(1)} ${unit}`) });
  group.addTool(toolNames.angle, { getTextLines: live((points) => (points.length === 3 ? `${angle(points).toFixed(1)}°` : "")) });
  group.addTool(toolNames.ellipse, { getTextLines: linesOf });
  group.addTool(toolNames.region, { getTextLines: linesOf, allowOpenContours: false, makeClockWise: false });
  group.addTool(toolNames.point, { getTextLines: linesOf });
  // The room asks for the words itself, after the arrow is safe; a blank keeps Cornerstone content.
  group.addTool(toolNames.arrow, { getTextCallback: (done: (words: string) => void) => done(" "), changeTextCallback: () => {}, arrowFirst: true });
  group.addViewport(viewportId, engineId);
  return group;
}

/** Reads a finished shape in our order of points. */
export function pointsOf(kind: Kind, { data }: CornerstoneMark, geometry: PlaneGeometry): Point3[] {
  const points = (kind === "region" ? data.contour!.polyline : data.handles.points).map((point) => [...point] as Point3);
  if (kind === "region") {
    const open = simplified(points, 0.2 * Math.min(geometry.spacing[0], geometry.spacing[1]));
    // Cornerstone may repeat the first point at the end; ours is closed by itself.
    if (open.length > 3 && distance(open[0]!, open.at(-1)!) < 1e-6) open.pop();
    return open;
  }
  if (kind !== "ellipse") return points;
  // Cornerstone: bottom, top, left, right; DICOM: the longer axis first.
  const [bottom, top, left, right] = points as [Point3, Point3, Point3, Point3];
  return distance(bottom, top) > distance(left, right) ? [top, bottom, left, right] : [left, right, top, bottom];
}

/** Makes Cornerstone's object of one of our marks. */
export function cornerstoneMark(mark: Mark, geometry: PlaneGeometry, reference: Record<string, unknown>): CornerstoneMark {
  const points = mark.points_lps_mm.map((point) => [...point] as Point3);
  const words = mark.kind === "arrow" ? mark.text || mark.label || " " : mark.label;
  return {
    annotationUID: mark.uid,
    highlighted: false,
    invalidated: false,
    isVisible: true,
    isLocked: false,
    metadata: { ...reference, toolName: toolNames[mark.kind] },
    data: {
      label: words,
      clerkshipLines: mark.kind === "arrow" ? mark.lines : [mark.label, ...mark.lines].filter(Boolean),
      handles: {
        points: mark.kind === "region" ? [] : mark.kind === "ellipse" ? upright(points, geometry) : points,
        activeHandleIndex: null,
        arrowFirst: true,
        textBox: { hasMoved: false, worldPosition: [0, 0, 0], worldBoundingBox: { topLeft: [0, 0, 0], topRight: [0, 0, 0], bottomLeft: [0, 0, 0], bottomRight: [0, 0, 0] } },
      },
      ...(mark.kind === "region" ? { contour: { polyline: points, closed: true } } : {}),
      cachedStats: {},
    },
  };
}

/** Our ellipse (longer axis first) in Cornerstone's order: bottom, top, left, right on the screen. */
function upright(points: Point3[], geometry: PlaneGeometry): Point3[] {
  const at = (point: Point3): Point2 => geometry.planeFromPatient(point).slice(0, 2) as Point2;
  const [a, b, c, d] = points as [Point3, Point3, Point3, Point3];
  const rise = (p: Point3, q: Point3) => Math.abs(at(p)[1] - at(q)[1]) * geometry.spacing[1];
  const [tall, wide] = rise(a, b) >= rise(c, d) ? [[a, b], [c, d]] : [[c, d], [a, b]];
  tall!.sort((p, q) => at(q)[1] - at(p)[1]);
  wide!.sort((p, q) => at(p)[0] - at(q)[0]);
  return [...tall!, ...wide!];
}

export function distance(a: Point3, b: Point3): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

function angle([a, vertex, b]: Point3[]): number {
  const u = a!.map((v, n) => v - vertex![n]!);
  const w = b!.map((v, n) => v - vertex![n]!);
  const dot = u.reduce((sum, v, n) => sum + v * w[n]!, 0);
  return (Math.acos(Math.min(1, Math.max(-1, dot / (Math.hypot(...u) * Math.hypot(...w) || 1)))) * 180) / Math.PI;
}
