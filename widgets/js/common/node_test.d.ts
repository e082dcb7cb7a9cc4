// Tests run under Node's own runner; its types are not needed to judge the code that is tested.
declare module "node:assert/strict";
declare module "node:fs";
declare module "node:test";
