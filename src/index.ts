export { readConfig, type Config } from './server/config.ts';
export { startServer, type RunningServer } from './server/server.ts';
