// Entry point of reading_room_engine.js: the viewer on Cornerstone3D.  It is loaded once per page and
// shared by all reading rooms on it.
export { makeView } from "./cornerstone_view.ts";
