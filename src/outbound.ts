export { OutboundError, type OutboundRejection } from './outbound/error.ts';
export {
  openOutbound,
  type Outbound,
  type OutboundInit,
  type OutboundOptions,
} from './outbound/outbound.ts';
