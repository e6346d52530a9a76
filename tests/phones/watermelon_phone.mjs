// A phone: an unmodified WatermelonDB client with its own synchronize(), driven by JSON lines.
//
//   environment  WATERMELON_PHONE_URL     http://127.0.0.1:8000/sync/watermelon
//                WATERMELON_PHONE_TOKEN   the bearer token
//                WATERMELON_PHONE_TABLES  JSON: [{"name": "accounts", "columns": [{"name", "type", "isOptional"}]}]
//   stdin        {"id": 1, "op": "sync", "args": {...}}                      one command a line
//   stdout       {"ready": true}, then {"id": 1, "ok": true, "result": ...}  or {"id": 1, "ok": false, "error": "..."}
//
// The store is LokiJS in memory, which WatermelonDB uses in browsers; on a phone it is SQLite.
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import readline from 'node:readline';

// Standard output carries answers and nothing else.
console.log = console.info = console.warn = console.error;

const require = createRequire(import.meta.url);
const { Database, Model, appSchema, tableSchema } = require('@nozbe/watermelondb');
const LokiJSAdapter = require('@nozbe/watermelondb/adapters/lokijs').default;
const { schemaMigrations, addColumns, createTable } = require('@nozbe/watermelondb/Schema/migrations');
const { setGenerator } = require('@nozbe/watermelondb/utils/common/randomId');
const { hasUnsyncedChanges, synchronize } = require('@nozbe/watermelondb/sync');
const { LokiMemoryAdapter } = require('lokijs');

setGenerator(() => randomUUID());

const url = process.env.WATERMELON_PHONE_URL;
const token = process.env.WATERMELON_PHONE_TOKEN;
const disk = new LokiMemoryAdapter();
const spoilt = { pull: 0, push: 0 }; // how many of the next answers get lost on the way
let database;

function open(tables, version, steps) {
    const schema = appSchema({ version, tables: tables.map(tableSchema) });
    const migrations = steps && schemaMigrations({ migrations: [{ toVersion: version, steps }] });
    database = new Database({
        adapter: new LokiJSAdapter({
            dbName: `phone-${process.pid}`,
            schema,
            migrations,
            useWebWorker: false,
            useIncrementalIndexedDB: false,
            _testLokiAdapter: disk,
            extraLokiOptions: { autosave: false },
        }),
        modelClasses: tables.map(({ name }) => class extends Model { static table = name; }),
    });
}

async function call(path, body) {
    const answer = await fetch(`${url}/${path}`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
    });
    const said = await answer.json();
    if (!answer.ok) throw new Error(`HTTP ${answer.status} ${said.code}: ${said.message}`);
    if (spoilt[path] > 0) {
        spoilt[path] -= 1;
        throw new TypeError('the answer was lost on the way');
    }
    return said;
}

async function synchronizeOnce({ limit, keepsVersions = true, migrationsEnabledAtVersion }) {
    const log = {};
    let hasMore = false;
    await synchronize({
        database,
        log,
        migrationsEnabledAtVersion,
        sendCreatedAsUpdated: true,
        pullChanges: (place) => call('pull', { ...place, limit }),
        pushChanges: (changed) => call('push', changed),
        onDidPullChanges: async (rest) => { hasMore = rest.hasMore; },
        // A row that waits to be pushed keeps the version on which it was edited: the server merges against that.
        conflictResolver: keepsVersions
            ? (table, local, remote, resolved) =>
                (local._status === 'updated' ? { ...resolved, version: local.version } : resolved)
            : undefined,
    });
    return {
        hasMore,
        pulled: log.remoteChangeCount,
        pushed: log.localChangeCount ?? 0,
        rejected: log.rejectedIds ?? {},
        lastPulledAt: log.lastPulledAt ?? null,
        newLastPulledAt: log.newLastPulledAt,
    };
}

const commands = {
    async open({ tables, version, steps }) {
        const made = { add_columns: addColumns, create_table: createTable };
        open(tables, version, steps?.map(({ type, ...step }) => made[type](step)));
    },
    async sync(options) { // until nothing is on its way, as an app does
        const rounds = [];
        do rounds.push(await synchronizeOnce(options)); while (rounds.at(-1).hasMore);
        return rounds;
    },
    sync_once: (options) => synchronizeOnce(options),
    async lose({ answers }) { Object.assign(spoilt, answers); },
    async create({ table, values }) {
        const made = await database.write(() => database.get(table).create((record) => {
            if (values.id) record._raw.id = values.id;
            for (const name of Object.keys(values)) if (name !== 'id') record._setRaw(name, values[name]);
        }));
        return made.id;
    },
    async update({ table, id, values }) {
        await database.write(async () => (await database.get(table).find(id)).update((record) => {
            for (const name of Object.keys(values)) record._setRaw(name, values[name]);
        }));
    },
    async remove({ table, id }) {
        await database.write(async () => (await database.get(table).find(id)).markAsDeleted());
    },
    dump: async ({ table }) => (await database.get(table).query().fetch()).map((record) => ({ ...record._raw })),
    unsynced: () => hasUnsyncedChanges({ database }),
};

const answer = (line) => process.stdout.write(JSON.stringify(line) + '\n');

open(JSON.parse(process.env.WATERMELON_PHONE_TABLES), 1);
readline.createInterface({ input: process.stdin }).on('line', async (line) => {
    const { id, op, args } = JSON.parse(line);
    try {
        if (!Object.hasOwn(commands, op)) throw new Error(`no command ${op}; there are ${Object.keys(commands).join(', ')}`);
        answer({ id, ok: true, result: (await commands[op](args ?? {})) ?? null });
    } catch (error) {
        answer({ id, ok: false, error: String(error.stack ?? error) });
    }
}).on('close', () => process.exit(0));

answer({ ready: true });
