// Keeps the app itself for when there is no network. Answers of the server's API are never kept here: what the app
// knows is in its database, and who asks for more wants the truth.
const CACHE = `rapport-app-${__VERSION__}`;
const SHELL = __SHELL__;

self.addEventListener('install', (event) => {
    event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(SHELL.map((path) => new Request(path, { cache: 'reload' })))));
});

self.addEventListener('activate', (event) => {
    const tidy = async () => {
        const old = (await caches.keys()).filter((name) => name.startsWith('rapport-app-') && name !== CACHE);
        await Promise.all(old.map((name) => caches.delete(name)));
        await self.clients.claim();
    };
    event.waitUntil(tidy());
});

self.addEventListener('message', ({ data }) => {
    if (data === 'take over') self.skipWaiting();
});

self.addEventListener('fetch', (event) => {
    const { request } = event;
    const url = new URL(request.url);
    if (request.method !== 'GET' || !url.href.startsWith(self.registration.scope)) return;
    const wanted = request.mode === 'navigate' ? './' : request;
    event.respondWith(caches.open(CACHE).then(async (cache) => (await cache.match(wanted)) ?? fetch(request)));
});
