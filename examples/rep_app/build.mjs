// Bundle the app into a folder that any server may serve: node build.mjs [folder], `dist` unless it is named.
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = path.dirname(fileURLToPath(import.meta.url));
const out = path.resolve(process.argv[2] ?? path.join(here, 'dist'));
const source = (name) => path.join(here, 'src', name);

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
const made = await build({
    entryPoints: [source('app.js'), source('early.js'), path.join(here, 'style', 'app.css')],
    outdir: out,
    entryNames: '[name]-[hash]', // a new version has new names, so what is cached is never stale
    bundle: true,
    minify: true,
    metafile: true,
    format: 'esm',
    target: ['chrome123', 'safari17.5', 'firefox121'],
    legalComments: 'none',
    logLevel: 'warning',
});
const names = Object.keys(made.metafile.outputs).map((name) => path.basename(name));
const named = (file) => names.find((name) => name.startsWith(`${path.parse(file).name}-`) && name.endsWith(path.extname(file)));

const page = await readFile(source('index.html'), 'utf8');
await writeFile(path.join(out, 'index.html'), page.replace(/\{([\w.]+)\}/g, (_, file) => named(file)));
await cp(path.join(here, 'public'), out, { recursive: true });

// Of everything that is kept for offline: another byte anywhere is another version of the app.
const kept = (await readdir(out)).sort();
const digest = createHash('sha256');
for (const name of kept) digest.update(await readFile(path.join(out, name)));
const shell = ['./', ...kept.filter((name) => name !== 'index.html')];
const worker = await readFile(source('sw.js'), 'utf8');
await writeFile(
    path.join(out, 'sw.js'),
    worker.replace('__VERSION__', JSON.stringify(digest.digest('hex').slice(0, 12))).replace('__SHELL__', JSON.stringify(shell)),
);
console.log(`built ${out}: ${shell.length} files, app of ${Math.round(Object.values(made.metafile.outputs).reduce((sum, one) => sum + one.bytes, 0) / 1000)} kB`);
