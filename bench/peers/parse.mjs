// parse-server on PostgreSQL: REST on /parse, GraphQL on /graphql. PORT, POSTGRES_URL
import express from 'express';
import { ParseGraphQLServer, ParseServer } from 'parse-server';

const { PORT, POSTGRES_URL } = process.env;
const everybody = { '*': true };
const text = { type: 'String' };
const server = new ParseServer({
  databaseURI: POSTGRES_URL,
  appId: 'bench',
  masterKey: 'bench',
  masterKeyIps: ['127.0.0.1/32', '::1', '::ffff:127.0.0.1'],
  serverURL: `http://127.0.0.1:${PORT}/parse`,
  allowClientClassCreation: false,
  logLevel: 'error',
  silent: true,
  schema: {
    definitions: [{
      className: 'Account',
      fields: { name: text, stage: text, amount: { type: 'Number' } },
      classLevelPermissions: {
        find: everybody, get: everybody, count: everybody, create: everybody, update: everybody, delete: everybody,
        addField: {}, protectedFields: {},
      },
    }],
  },
});
await server.start();
const app = express();
app.use('/parse', server.app);
await new ParseGraphQLServer(server, { graphQLPath: '/graphql' }).applyGraphQL(app);
app.listen(Number(PORT), '127.0.0.1', () => console.log('ready'));
