// express-pouchdb on LevelDB: CouchDB's protocol on /. PORT, FOLDER
import express from 'express';
import expressPouchdb from 'express-pouchdb';
import PouchDB from 'pouchdb-node';

const { PORT, FOLDER } = process.env;
const Stored = PouchDB.defaults({ prefix: `${FOLDER}/` });
const app = express();
app.use('/', expressPouchdb(Stored, { mode: 'minimumForPouchDB', inMemoryConfig: true, logPath: `${FOLDER}/log.txt` }));
app.listen(Number(PORT), '127.0.0.1', () => console.log('ready'));
