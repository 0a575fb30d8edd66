// Lays the built console into embed/, where the bundle's build script picks it up: each file compressed as far as it goes,
// and files.tsv, the list of them. What did not change is left alone, so that nothing is compiled again for it.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, extname, join, relative } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const root = join(import.meta.dirname, "..");
const from = join(root, "dist");
const to = join(root, "embed");
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
  ".webmanifest": "application/manifest+json",
};

const walk = (folder) =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? walk(join(folder, entry.name)) : [join(folder, entry.name)],
  );

const kept = new Set([join(to, ".gitignore")]);
const put = (path, bytes) => {
  const file = join(to, path);
  kept.add(file);
  if (existsSync(file) && readFileSync(file).equals(bytes)) return;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, bytes);
};

const lines = [];
for (const file of walk(from).sort()) {
  const path = relative(from, file);
  // Vite's own list of what belongs to what is for the tests.
  if (path === "manifest.json") continue;
  const type = TYPES[extname(path)];
  if (type === undefined) throw new Error(`${path}: no content type is known for it`);
  const bytes = readFileSync(file);
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } };
  const [brotli, gzip] = [brotliCompressSync(bytes, quality), gzipSync(bytes, { level: 9 })];
  const saves = brotli.length < bytes.length * 0.95;
  if (saves) {
    put(`${path}.br`, brotli);
    put(`${path}.gz`, gzip);
  }
  // The page itself is what a program without compression may want to see.
  if (!saves || extname(path) === ".html") put(path, bytes);
  const hashed = path.startsWith("assets/");
  const etag = createHash("sha256").update(bytes).digest("hex").slice(0, 32);
  lines.push([path, type, etag, hashed ? "immutable" : "fresh"].join("\t"));
}
put("files.tsv", Buffer.from(`${lines.join("\n")}\n`));
for (const file of walk(to)) if (!kept.has(file)) rmSync(file);

const size = walk(to).reduce((sum, file) => sum + statSync(file).size, 0);
console.log(`console: ${lines.length} files, ${Math.round(size / 1024)} KiB in the bundle`);
