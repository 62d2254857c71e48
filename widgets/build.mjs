// Builds the bundles in mi_nb/widgets/static. `--check` writes nothing and fails where a committed bundle is not current.
// `--tests` builds the unit tests for node.
import { build } from "esbuild";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const STATIC = join(HERE, "..", "mi_nb", "widgets", "static");
const LIMIT = 60_000;
const WIDGETS = ["heatmap", "token_grid"];

// What the widgets never use of d3, 4 kB of every bundle: the CSS colour names (computed styles and d3's schemes are in numbers),
// and interpolation between dates, strings and objects (scales here map numbers to numbers).
const slimD3 = {
  name: "slim-d3",
  setup({ onLoad }) {
    onLoad({ filter: /d3-color[\\/]src[\\/]color\.js$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      const contents = source.replace(/var named = \{[^}]*\}/, "var named = {}");
      if (contents === source) throw new Error(`${path} has no list of colour names any more`);
      return { contents };
    });
    onLoad({ filter: /d3-interpolate[\\/]src[\\/]value\.js$/ }, () => ({ contents: 'export { default } from "./number.js";' }));
  },
};

const shared = {
  absWorkingDir: HERE,
  bundle: true,
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
  minify: true,
  plugins: [slimD3],
  target: "es2022",
  write: false,
};

async function bundle(entryPoint, options = {}) {
  const result = await build({ ...shared, entryPoints: [entryPoint], outdir: "out", ...options });
  return result.outputFiles[0].text;
}

async function outputs() {
  const files = new Map();
  for (const name of WIDGETS) {
    files.set(`${name}.js`, await bundle(`src/${name}/index.ts`, { format: "esm" }));
    files.set(`${name}.css`, await bundle(`src/${name}/${name}.css`));
  }
  files.set("page_host.js", await bundle("src/page/host.ts", { format: "iife" }));
  files.set("page.css", await bundle("src/page/page.css"));
  files.set("ramps.json", await ramps());
  return files;
}

// The Python tables use the front end's own colours.
async function ramps() {
  const module = await bundle("src/kit/ramps.ts", { format: "esm" });
  const { table } = await import(`data:text/javascript;base64,${Buffer.from(module).toString("base64")}`);
  return `${JSON.stringify(table())}\n`;
}

async function tests() {
  const out = join(HERE, ".tests");
  await rm(out, { recursive: true, force: true });
  const names = (await readdir(join(HERE, "tests"))).filter((name) => name.endsWith(".test.ts"));
  const entryPoints = names.map((name) => `tests/${name}`);
  await build({ ...shared, entryPoints, outdir: out, format: "esm", platform: "node", minify: false, write: true,
    outExtension: { ".js": ".mjs" } });
}

async function main() {
  if (process.argv.includes("--tests")) return tests();
  const check = process.argv.includes("--check");
  const files = await outputs();
  await mkdir(STATIC, { recursive: true });
  const stale = [];
  for (const [name, text] of files) {
    const size = Buffer.byteLength(text);
    if (size > LIMIT) throw new Error(`${name} has ${size} bytes; the limit is ${LIMIT}`);
    const path = join(STATIC, name);
    if (check) {
      const committed = await readFile(path, "utf8").catch(() => null);
      if (committed !== text) stale.push(relative(join(HERE, ".."), path));
    } else {
      await writeFile(path, text);
      console.log(`${name.padEnd(16)} ${(size / 1000).toFixed(1)} kB`);
    }
  }
  const extra = (await readdir(STATIC)).filter((name) => !files.has(name));
  if (extra.length > 0) throw new Error(`${STATIC} has files that no source makes: ${extra.join(", ")}`);
  if (stale.length > 0) throw new Error(`not current: ${stale.join(", ")}. Run \`npm run build\` in widgets/ and commit.`);
  if (check) console.log(`${files.size} bundles are current`);
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
