// Line icons on a 20 x 20 grid, drawn for this project.

const paths = {
  navigate: "M10 2v5M10 13v5M2 10h5M13 10h5M10 10h.01",
  window: "M10 3a7 7 0 1 0 0 14zM10 3a7 7 0 0 1 0 14",
  zoom: "M8.5 3.5a5 5 0 1 1 0 10 5 5 0 0 1 0-10zM12.2 12.2 17 17M6.5 8.5h4M8.5 6.5v4",
  pan: "M10 2.5v15M2.5 10h15M8 4.5l2-2 2 2M8 15.5l2 2 2-2M4.5 8l-2 2 2 2M15.5 8l2 2-2 2",
  scroll: "M5 4h10M5 16h10M10 6.5v7M8 8.5l2-2 2 2M8 11.5l2 2 2-2",
  length: "M4 16 16 4M2.5 14.5l3 3M14.5 2.5l3 3",
  angle: "M16 16H4L13 4M9.5 16a6 6 0 0 0-2-4.6",
  ellipse: "M10 5.5c4.2 0 7.2 2 7.2 4.5s-3 4.5-7.2 4.5S2.8 12.5 2.8 10s3-4.5 7.2-4.5z",
  region: "M5 13.5c-2.4-3 .2-9.6 4.3-10 3.4-.4 2.8 3 5 4.2 2.7 1.4 3.3 5.7-.6 7.8-3 1.6-7 .2-8.7-2z",
  arrow: "M16.5 3.5 4 16M4 10.5V16h5.5",
  point: "M10 6a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM10 10h.01",
  play: "M6 4l10 6-10 6z",
  pause: "M7 4v12M13 4v12",
  undo: "M7 4 3.5 7.5 7 11M3.5 7.5H12a4.5 4.5 0 0 1 0 9H8",
  redo: "M13 4l3.5 3.5L13 11M16.5 7.5H8a4.5 4.5 0 0 0 0 9h4",
  remove: "M4 5.5h12M8 5.5V3.5h4v2M5.5 5.5l.8 11h7.4l.8-11M8.5 8.5v5M11.5 8.5v5",
  reset: "M4 10a6 6 0 1 0 2-4.5M6 2.5v3.2h3.2",
  layout: "M3 3.5h14v13H3zM10 3.5v13M10 10h7",
  help: "M7.3 7.5a2.8 2.8 0 1 1 4 2.6c-.9.5-1.3 1-1.3 2M10 15.3h.01",
  list: "M7.5 5H17M7.5 10H17M7.5 15H17M3.5 5h.01M3.5 10h.01M3.5 15h.01",
  close: "M5 5l10 10M15 5 5 15",
} as const;

export type Icon = keyof typeof paths;

export function icon(name: Icon): string {
  return `<svg viewBox="0 0 20 20" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="${paths[name]}"/></svg>`;
}
