import pg from 'pg';
import { startPostgres } from '../test/support/postgres.ts';
import { startWireProxy } from '../test/support/wire-proxy.ts';
