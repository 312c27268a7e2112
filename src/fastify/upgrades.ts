import type { FastifyInstance } from 'fastify';

/** What Node.js hands to a listener of its own in place of the app. */
const EVENTS = ['upgrade', 'connect', 'checkContinue', 'checkExpectation'] as const;

/** Decorators of who leads upgrades back into the app: @fastify/websocket, and the gateway. */
const LEADING_BACK = ['websocketServer', 'sallyportTunnels'] as const;

/**
 * A listener on the bare server answers past every hook, so past the gate. The one of
 * @fastify/websocket leads back into the app, where an upgrade is a route like another.
 * @throws Error at ready.
 */
export function refuseBareListeners(app: FastifyInstance): void {
  app.addHook('onReady', async () => {
    for (const event of EVENTS) {
      const leading = LEADING_BACK.filter((name) => app.hasDecorator(name)).length;
      const known = event === 'upgrade' ? leading : 0;
      if (app.server.listenerCount(event) <= known) continue;
      throw new Error(
        `Something listens to '${event}' on app.server, where nothing would guard it. For websockets use @fastify/websocket, whose routes declare access.`,
      );
    }
  });
}
