/** Entry point of anatomy_room_engine.js: the part that needs WebGL. */
export { Stage } from "./stage.ts";
