// How the exchange with the server is: what waits to be sent, when we last heard, what came back.
import { getChangedDocumentsSince, getAssumedMasterState, getComposedPrimaryKeyOfDocumentData } from 'rxdb/plugins/core';
import { BehaviorSubject, merge, debounceTime, filter } from 'rxjs';

const HEARD = 'rapport.heard';
const WHOLE = 'rapport.whole';
const LOOK_AGAIN_MS = 150;
const PAGE = 500;

/** {online, active, ended, first, heard, pending: [{kind, id, name}]}; `first` until everything has been pulled once. */
export const syncState = new BehaviorSubject({
    online: navigator.onLine, active: false, ended: false, first: true, isLeader: true, heard: 0, pending: [],
});
export const tell = (changes) => syncState.next({ ...syncState.value, ...changes });

/** Watch the replications of a database; `heard` and `lost` take what the socket tells. */
export function watchSync(database) {
    const subscriptions = [];
    let isStopped = false;
    const heard = () => {
        const now = Date.now();
        localStorage.setItem(HEARD, String(now));
        tell({ online: true, heard: now });
    };
    const lost = () => tell({ online: false });
    const listen = (target, name, act) => {
        target.addEventListener(name, act);
        subscriptions.push({ unsubscribe: () => target.removeEventListener(name, act) });
    };

    return {
        heard,
        lost,
        stop: () => {
            isStopped = true;
            subscriptions.splice(0).forEach((one) => one.unsubscribe());
        },

        /** Return a fetch that notes whether the server was reached. */
        watched: (fetching) => async (request) => {
            try {
                const answer = await fetching(request);
                if (answer.ok) heard();
                return answer;
            } catch (error) {
                if (error.code !== 'SIGNED_OUT') lost();
                throw error;
            }
        },

        follow(replications) {
            const all = Object.entries(replications);
            tell({ heard: Number(localStorage.getItem(HEARD)), ended: false, first: !localStorage.getItem(WHOLE), isLeader: database.isLeader() });
            database.waitForLeadership().then(() => tell({ isLeader: true }));
            Promise.all(all.map(([, one]) => one.awaitInitialReplication())).then(() => {
                localStorage.setItem(WHOLE, 'yes');
                tell({ first: false });
            });

            const active = new Set();
            for (const [kind, one] of all) {
                subscriptions.push(one.active$.subscribe((isActive) => {
                    if (isActive) active.add(kind); else active.delete(kind);
                    tell({ active: active.size > 0 });
                }));
            }
            const changes = merge(...all.flatMap(([kind, one]) => [database[kind].$, one.sent$, one.conflict$, one.active$.pipe(filter((is) => !is))]));
            const count = async () => {
                try {
                    const pending = (await Promise.all(all.map(waiting))).flat();
                    if (!isStopped) tell({ pending });
                } catch (error) {
                    if (!isStopped) throw error; // the databases were closed while we counted
                }
            };
            subscriptions.push(changes.pipe(debounceTime(LOOK_AGAIN_MS)).subscribe(count));

            const resync = () => all.forEach(([, one]) => one.reSync());
            listen(window, 'online', resync);
            listen(window, 'offline', lost);
            listen(document, 'visibilitychange', () => { if (!document.hidden) resync(); });
        },
    };
}

/** Return what the server has not taken yet: rows changed since the last push that differ from what it is known to have. */
async function waiting([kind, replication]) {
    await replication.startPromise;
    const state = replication.internalReplicationState;
    const storage = replication.collection.storageInstance;
    const id = getComposedPrimaryKeyOfDocumentData(state.input.metaInstance.schema, { isCheckpoint: '1', itemId: 'up' });
    let checkpoint = (await state.input.metaInstance.findDocumentsById([id], false))[0]?.checkpointData;
    const found = [];
    while (true) {
        const page = await getChangedDocumentsSince(storage, PAGE, checkpoint);
        const known = await getAssumedMasterState(state, page.documents.map((one) => one.id));
        for (const { _rev, _meta, _attachments, ...here } of page.documents) {
            const there = known[here.id]?.docData;
            if (there ? !state.input.conflictHandler.isEqual(there, here, 'waiting') : !here._deleted) found.push({ kind, id: here.id, name: nameOf(here) });
        }
        if (page.documents.length < PAGE) return found;
        checkpoint = page.checkpoint;
    }
}

export const nameOf = (one) => one.name ?? one.title ?? one.fullName ?? one.subject ?? one.body ?? '';
