// What every screen needs and no collection brings: who I am, and the stages of the pipelines. Asked for while there
// is a network, kept for when there is none.
import { language } from './preferences.js';
import { ask } from './session.js';

const KEY = 'rapport.reference';
const QUERY = '{ me { id name } pipelines(first: 20) { nodes { id isDefault stages { key order type name { zh en } } } } }';

export const reference = () => JSON.parse(localStorage.getItem(KEY)) ?? { me: null, pipelines: [] };

/** Fetch it anew; throws when the server is not reached, and then the old one stays. */
export async function fetchReference() {
    const { me, pipelines } = await ask(QUERY);
    localStorage.setItem(KEY, JSON.stringify({ me, pipelines: pipelines.nodes }));
}

/** Return the stages of a pipeline, or of the default one, in their order: [{key, type, name}]. */
export function stages(pipelineId = null) {
    const { pipelines } = reference();
    const found = pipelines.find((one) => one.id === pipelineId) ?? pipelines.find((one) => one.isDefault);
    return (found?.stages ?? []).toSorted((a, b) => a.order - b.order).map((one) => ({ ...one, type: one.type.toLowerCase(), name: one.name[language()] }));
}
