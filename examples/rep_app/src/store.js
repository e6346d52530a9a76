// What this device holds: an RxDB database of one person in IndexedDB, replicated with the server while there is one.
import { addRxPlugin, createRxDatabase } from 'rxdb/plugins/core';
import { RxDBLeaderElectionPlugin } from 'rxdb/plugins/leader-election';
import {
    GRAPHQL_WEBSOCKET_BY_URL,
    pullQueryBuilderFromRxSchema,
    pullStreamBuilderFromRxSchema,
    pushQueryBuilderFromRxSchema,
    replicateGraphQL,
} from 'rxdb/plugins/replication-graphql';
import { getRxStorageDexie } from 'rxdb/plugins/storage-dexie';
import { map } from 'rxjs';
import schemas from './schemas.json';
import { accessToken, currentSession, signedFetch } from './session.js';
import { watchSync } from './sync_state.js';

const PREFIX = 'rapport-';
const RETRY_MS = 3_000;
const SILENCE_MS = 5_000;
const url = { http: new URL('/graphql', location.href).href, ws: new URL('/graphql', location.href.replace(/^http/, 'ws')).href };

addRxPlugin(RxDBLeaderElectionPlugin); // several tabs may be open: one of them syncs

let database = null;
let replications = {};
let connection = null;

export const collections = Object.keys(schemas);

/** Open what the signed-in person has on this device. */
export async function openStore() {
    const name = PREFIX + currentSession().userId;
    database = await createRxDatabase({ name, storage: getRxStorageDexie() });
    await database.addCollections(Object.fromEntries(collections.map((kind) => [kind, { schema: schemas[kind] }])));
}

/** Start to replicate; once more after a session ended and its owner has signed in anew. */
export function startSync() {
    connection = watchSync(database);
    replications = Object.fromEntries(collections.map((kind) => [kind, replicate(kind)]));
    connection.follow(replications);
}

export async function stopSync() {
    connection?.stop();
    // RxDB does not wait for the socket to end, and one that is just connecting then fails with nobody to hear it.
    await GRAPHQL_WEBSOCKET_BY_URL.get(url.ws)?.socket.dispose()?.catch((closed) => closed);
    await Promise.all(Object.values(replications).map((replication) => replication.cancel()));
    replications = {};
}

/** Ask for what is new, now. */
export const syncNow = () => Object.values(replications).forEach((replication) => replication.reSync());

function replicate(kind) {
    const shape = { schema: schemas[kind], checkpointFields: ['cursor'], headerFields: ['Authorization'] };
    return replicateGraphQL({
        replicationIdentifier: `graphql-${kind}`,
        collection: database[kind],
        url,
        live: true,
        retryTime: RETRY_MS,
        fetch: connection.watched(signedFetch),
        pull: {
            batchSize: 200,
            queryBuilder: pullQueryBuilderFromRxSchema(kind, shape),
            streamQueryBuilder: pullStreamBuilderFromRxSchema(kind, shape),
            includeWsHeaders: true,
            wsOptions: socketOptions(),
        },
        push: { batchSize: 50, queryBuilder: pushQueryBuilderFromRxSchema(kind, shape) },
    });
}

/** One socket for all collections. It asks for a token at each connect, never gives up, and notices silence. */
function socketOptions() {
    let lastToken = '';
    let silence = 0;
    return {
        connectionParams: async () => {
            // A throw here would end the stream for good; a token that is refused only leads to another try.
            lastToken = await accessToken().catch(() => lastToken);
            return { headers: { Authorization: `Bearer ${lastToken}` } };
        },
        retryAttempts: Infinity,
        retryWait: async (tries) => {
            const pause = Math.min(1_000 * 2 ** tries, 30_000) * (0.5 + Math.random() / 2);
            await new Promise((resume) => {
                setTimeout(resume, pause);
                addEventListener('online', resume, { once: true });
            });
        },
        keepAlive: 15_000,
        on: {
            connected: () => connection.heard(),
            closed: () => { clearTimeout(silence); connection.lost(); },
            ping: (received) => {
                // A dead radio link closes no socket: without an answer we close it ourselves, and connect anew.
                if (!received) silence = setTimeout(() => GRAPHQL_WEBSOCKET_BY_URL.get(url.ws)?.socket.terminate(), SILENCE_MS);
            },
            pong: (received) => {
                if (received) connection.heard();
                clearTimeout(silence);
            },
        },
    };
}

// ------------------------------------------------------------------------------------------------- reading, writing

/** Follow the records of a kind that a selector takes, as plain rows. */
export const rows = (kind, selector = {}) => database[kind].find({ selector }).$.pipe(map((found) => found.map((one) => one.toJSON())));

/** Follow one record; null while it is not here, or no more. */
export const row = (kind, id) => database[kind].findOne(id).$.pipe(map((found) => found?.toJSON() ?? null));

/** Read one record now. */
export const peek = async (kind, id) => (await database[kind].findOne(id).exec())?.toJSON() ?? null;

/** Keep a new record here, to be sent when there is a network; return its id. */
export async function add(kind, values) {
    const id = crypto.randomUUID();
    await database[kind].insert({ id, ...values });
    return id;
}

/** Change columns of a record here; the server merges column by column. */
export async function change(kind, id, values) {
    const found = await database[kind].findOne(id).exec();
    await found?.incrementalPatch(values);
    return found !== null;
}

export async function remove(kind, id) {
    await (await database[kind].findOne(id).exec())?.incrementalRemove();
}

/** Erase everything that this device holds of anybody, the database of other versions of the app included. */
export async function eraseStore() {
    await stopSync();
    await database?.remove();
    database = null;
    for (const { name } of await indexedDB.databases()) {
        if (name.includes(PREFIX)) indexedDB.deleteDatabase(name);
    }
}
