// Builds the browser side of clerkship_widgets into clerkship_widgets/static/.
//
//   node build.mjs          minified, as released
//   node build.mjs --dev    readable, with source maps
//   node build.mjs quiz     only the entries whose name starts so
//
// One ES module per entry point.  Small ones travel with the widget (anywidget's
// `_esm`); `*_engine` ones are large, are fetched over HTTP on demand, and are
// therefore also written gzipped.
import * as esbuild from "esbuild";
import fs from "node:fs";
import path from "node:path";
import zlib from "node:zlib";

const root = import.meta.dirname;
const out = path.join(root, "..", "clerkship_widgets", "static");
const dev = process.argv.includes("--dev");

/** Entry points: output name -> source. */
const entries = {
  reading_room: "reading_room/widget.ts",
  reading_room_engine: "reading_room/engine.ts",
  anatomy_room: "anatomy_room/widget.ts",
  anatomy_room_engine: "anatomy_room/engine.ts",
  quiz: "quiz/widget.ts",
};

/** vtk.js drags in an XML library for file formats that nothing here reads. */
const withoutXml = {
  name: "without-xml",
  setup(build) {
    build.onResolve({ filter: /^xmlbuilder2$/ }, ({ path: name }) => ({ path: name, namespace: "unused" }));
    build.onLoad({ filter: /.*/, namespace: "unused" }, () => ({
      contents: 'const unused = () => { throw new Error("XML files are not supported here"); };\nexport const create = unused;',
    }));
  },
};

/**
 * Cornerstone holds a press back for 400 ms and drops a second one in that time, to tell clicks from
 * double clicks. Nothing here listens to its double clicks: a mark begins when the button goes down.
 */
const pressAtOnce = {
  name: "press-at-once",
  setup(build) {
    build.onLoad({ filter: /tools[\\/].*mouseDownListener\.js$/ }, ({ path: file }) => {
      const [wait, none] = ["DOUBLE_CLICK_TOLERANCE_MS = 400", "DOUBLE_CLICK_TOLERANCE_MS = 0"];
      const source = fs.readFileSync(file, "utf8");
      if (!source.includes(wait)) throw new Error(`${file} has changed: look for its double click time`);
      return { contents: source.replace(wait, none) };
    });
  },
};

/** Style sheets are imported as text; esbuild would not minify them by itself. */
const css = {
  name: "css-as-text",
  setup(build) {
    build.onLoad({ filter: /\.css$/ }, async ({ path: file }) => {
      const { code } = await esbuild.transform(fs.readFileSync(file, "utf8"), { loader: "css", minify: !dev });
      return { contents: code, loader: "text" };
    });
  },
};

// Names after the options build only those entries: node build.mjs --dev quiz
const wanted = process.argv.slice(2).filter((word) => !word.startsWith("--"));

fs.mkdirSync(out, { recursive: true });
for (const [name, source] of Object.entries(entries)) {
  if (wanted.length > 0 && !wanted.some((prefix) => name.startsWith(prefix))) continue;
  if (!fs.existsSync(path.join(root, source))) {
    console.log(`${name}.js  skipped: there is no ${source} yet`);
    continue;
  }
  const outfile = path.join(out, `${name}.js`);
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: [source],
    outfile,
    bundle: true,
    format: "esm",
    target: "es2022",
    minify: !dev,
    sourcemap: dev ? "inline" : false,
    legalComments: "none",
    define: { "process.env.NODE_ENV": '"production"' },
    plugins: [withoutXml, pressAtOnce, css],
    logLevel: "warning",
  });
  const bytes = fs.readFileSync(outfile);
  const gzipped = zlib.gzipSync(bytes, { level: 9 });
  if (name.endsWith("_engine")) fs.writeFileSync(`${outfile}.gz`, gzipped);
  console.log(`${name}.js  ${bytes.length} bytes, ${gzipped.length} gzipped`);
}
