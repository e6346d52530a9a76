// A phone: an unmodified RxDB client with its GraphQL replication plugin, driven by JSON lines.
//
//   environment  RXDB_PHONE_HTTP     http://127.0.0.1:8000/graphql
//                RXDB_PHONE_WS       ws://127.0.0.1:8000/graphql
//                RXDB_PHONE_TOKEN    the bearer token (may be changed later with the command "token")
//                RXDB_PHONE_SCHEMAS  JSON: {"account": <RxJsonSchema>, ...}; the checkpoint is {cursor} everywhere
//   stdin        {"id": 1, "op": "start", "args": {...}}                     one command a line
//   stdout       {"ready": true}, then {"id": 1, "ok": true, "result": ...}  or {"id": 1, "ok": false, "error": "..."}
//   stderr       whatever goes wrong, for the one who reads a failed test
//
// Commands run side by side, so that "resume" can help an "in_sync" that waits. The network is cut for real
// while the phone is paused: requests in flight are lost, new ones fail, the socket is closed.
import readline from 'node:readline';
import { createRxDatabase } from 'rxdb';
import { getRxStorageMemory } from 'rxdb/plugins/storage-memory';
import {
    GRAPHQL_WEBSOCKET_BY_URL,
    pullQueryBuilderFromRxSchema,
    pullStreamBuilderFromRxSchema,
    pushQueryBuilderFromRxSchema,
    replicateGraphQL,
} from 'rxdb/plugins/replication-graphql';

// Standard output carries answers and nothing else.
console.log = console.info = console.warn = console.error;

const url = { http: process.env.RXDB_PHONE_HTTP, ws: process.env.RXDB_PHONE_WS };
const schemas = JSON.parse(process.env.RXDB_PHONE_SCHEMAS);
let token = process.env.RXDB_PHONE_TOKEN;
const bearer = () => ({ Authorization: `Bearer ${token}` });

class Network {
    #cut = null; // an AbortController while the network is up, null while it is down
    #waiting = [];

    constructor() { this.up(); }
    get isUp() { return this.#cut !== null; }

    up() {
        this.#cut = new AbortController();
        this.#waiting.splice(0).forEach((resume) => resume());
    }

    down() {
        this.#cut?.abort(new TypeError('the network went away'));
        this.#cut = null;
        GRAPHQL_WEBSOCKET_BY_URL.get(url.ws)?.socket.terminate();
    }

    fetch = async (request) => {
        if (!this.isUp) throw new TypeError('the phone is offline');
        return fetch(request, { signal: this.#cut.signal });
    };

    untilUp = () => (this.isUp ? Promise.resolve() : new Promise((resume) => this.#waiting.push(resume)));
}

const network = new Network();
const replications = {};
const errors = [];
const counts = { received: 0, sent: 0, conflicts: 0 };

const database = await createRxDatabase({
    name: `phone-${process.pid}`,
    storage: getRxStorageMemory(),
    multiInstance: false,
});
await database.addCollections(
    Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, { schema }])),
);

function replicate(name, { pullBatch, pushBatch, retryMs }) {
    const shape = { schema: schemas[name], checkpointFields: ['cursor'], headerFields: ['Authorization'] };
    const replication = replicateGraphQL({
        replicationIdentifier: `graphql-${name}`,
        collection: database[name],
        url,
        headers: bearer(),
        fetch: network.fetch,
        live: true,
        retryTime: retryMs,
        waitForLeadership: false,
        pull: {
            batchSize: pullBatch,
            queryBuilder: pullQueryBuilderFromRxSchema(name, shape),
            streamQueryBuilder: pullStreamBuilderFromRxSchema(name, shape),
            includeWsHeaders: true,
            wsOptions: {
                // The same shape as RxDB's own, but asked for at each connect: RxDB would send the first token for ever.
                connectionParams: () => ({ headers: bearer() }),
                // The default gives up after five attempts and so ends the stream of a phone in a tunnel.
                retryAttempts: Infinity,
                retryWait: async () => {
                    await new Promise((resume) => setTimeout(resume, retryMs));
                    await network.untilUp();
                },
            },
        },
        push: { batchSize: pushBatch, queryBuilder: pushQueryBuilderFromRxSchema(name, shape) },
    });
    replication.error$.subscribe((error) => {
        const causes = JSON.stringify(error.parameters?.errors ?? []);
        errors.push({ collection: name, code: error.code ?? '', message: causes });
        console.error(`${name}: ${error.code} ${causes}`);
    });
    replication.received$.subscribe(() => counts.received++);
    replication.sent$.subscribe(() => counts.sent++);
    replication.conflict$.subscribe(() => counts.conflicts++);
    return replication;
}

const all = (deed) => Promise.all(Object.values(replications).map(deed));

async function stored(collection, id) {
    const document = await database[collection].findOne(id).exec();
    if (!document) throw new Error(`the phone holds no ${collection} ${id}: insert or pull it first`);
    return document;
}

const commands = {
    async start(options) {
        for (const name of Object.keys(schemas)) replications[name] = replicate(name, options);
        await all((replication) => replication.awaitInitialReplication());
    },
    insert: async ({ collection, document }) => (await database[collection].insert(document)).toJSON(),
    patch: async ({ collection, id, patch }) => (await (await stored(collection, id)).incrementalPatch(patch)).toJSON(),
    async remove({ collection, id }) { await (await stored(collection, id)).incrementalRemove(); },
    async in_sync() { await all((replication) => replication.awaitInSync()); },
    async resync() { await all((replication) => replication.reSync()); },
    async pause() { network.down(); },
    async resume() {
        network.up();
        await commands.resync(); // so that an "in_sync" that follows covers the pull as well
    },
    dump: async ({ collection }) => (await database[collection].find().exec()).map((document) => document.toJSON()),
    get: async ({ collection, id }) => (await database[collection].findOne(id).exec())?.toJSON() ?? null,
    count: async ({ collection }) => database[collection].count().exec(),
    errors: async () => errors.splice(0),
    counts: async () => counts,
    async token({ token: next }) {
        token = next;
        await all((replication) => replication.setHeaders(bearer()));
    },
    async exit() { setImmediate(() => process.exit(0)); },
};

const answer = (line) => process.stdout.write(JSON.stringify(line) + '\n');

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
