// rxdb-server on its memory storage (nothing is durable): replication on /accounts/0, queries on /rest/0. PORT
import { createRxDatabase } from 'rxdb';
import { getRxStorageMemory } from 'rxdb/plugins/storage-memory';
import { RxServerAdapterExpress } from 'rxdb-server/plugins/adapter-express';
import { createRxServer } from 'rxdb-server/plugins/server';

const database = await createRxDatabase({ name: 'bench', storage: getRxStorageMemory(), multiInstance: false });
const { accounts } = await database.addCollections({
  accounts: {
    schema: {
      version: 0,
      primaryKey: 'id',
      type: 'object',
      properties: {
        id: { type: 'string', maxLength: 64 },
        name: { type: 'string' },
        stage: { type: 'string' },
        amount: { type: 'number' },
      },
      required: ['id', 'name'],
    },
  },
});
const server = await createRxServer({
  database,
  adapter: RxServerAdapterExpress,
  hostname: '127.0.0.1',
  port: Number(process.env.PORT),
  authHandler: () => ({ validUntil: Date.now() + 86_400_000, data: {} }),
});
await server.addReplicationEndpoint({ name: 'accounts', collection: accounts });
await server.addRestEndpoint({ name: 'rest', collection: accounts });
await server.start();
console.log('ready');
