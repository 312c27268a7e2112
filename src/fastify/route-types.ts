import type {
  ContextConfigDefault,
  FastifyBaseLogger,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  FastifySchema,
  FastifyTypeProvider,
  FastifyTypeProviderDefault,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerBase,
  RawServerDefault,
  RouteGenericInterface,
  RouteHandlerMethod,
  RouteShorthandOptions,
} from 'fastify';
import type { Load, Loaded, Queries } from './declaration.ts';

// Under names of ours: inside of the augmentation their own would be those of other packages'
// augmentations, and the declarations that are published would lose their import.
type Schema = FastifySchema;
type Instance<
  RawServer extends RawServerBase,
  RawRequest extends RawRequestDefaultExpression<RawServer>,
  RawReply extends RawReplyDefaultExpression<RawServer>,
  Logger extends FastifyBaseLogger,
  TypeProvider extends FastifyTypeProvider,
> = FastifyInstance<RawServer, RawRequest, RawReply, Logger, TypeProvider>;

/** A handler whose request has what its `load` has found, under the same names. */
type LoadedHandler<
  Handler extends (...given: never[]) => unknown,
  Request,
  Reply,
  Q extends Queries,
> = (
  this: ThisParameterType<Handler>,
  request: Omit<Request, 'loaded'> & { readonly loaded: Loaded<Q> },
  reply: Reply,
) => ReturnType<Handler>;

declare module 'fastify' {
  interface RouteShorthandMethod<
    RawServer extends RawServerBase = RawServerDefault,
    RawRequest extends RawRequestDefaultExpression<RawServer> =
      RawRequestDefaultExpression<RawServer>,
    RawReply extends RawReplyDefaultExpression<RawServer> = RawReplyDefaultExpression<RawServer>,
    TypeProvider extends FastifyTypeProvider = FastifyTypeProviderDefault,
    Logger extends FastifyBaseLogger = FastifyBaseLogger,
  > {
    /** A route with `load`: what its queries find is typed in `request.loaded`. */
    <
      Q extends Queries,
      const SchemaCompiler extends Schema = Schema,
      RouteGeneric extends RouteGenericInterface = RouteGenericInterface,
      ContextConfig = ContextConfigDefault,
    >(
      path: string,
      opts: Omit<
        RouteShorthandOptions<
          RawServer,
          RawRequest,
          RawReply,
          RouteGeneric,
          ContextConfig,
          SchemaCompiler,
          TypeProvider,
          Logger
        >,
        'load'
      > & {
        load: Load<
          FastifyRequest<
            RouteGeneric,
            RawServer,
            RawRequest,
            NoInfer<SchemaCompiler>,
            TypeProvider,
            ContextConfig,
            Logger
          >,
          Q
        >;
      },
      handler: LoadedHandler<
        RouteHandlerMethod<
          RawServer,
          RawRequest,
          RawReply,
          RouteGeneric,
          ContextConfig,
          SchemaCompiler,
          TypeProvider,
          Logger
        >,
        FastifyRequest<
          RouteGeneric,
          RawServer,
          RawRequest,
          SchemaCompiler,
          TypeProvider,
          ContextConfig,
          Logger
        >,
        FastifyReply<
          RouteGeneric,
          RawServer,
          RawRequest,
          RawReply,
          ContextConfig,
          SchemaCompiler,
          TypeProvider
        >,
        NoInfer<Q>
      >,
    ): Instance<RawServer, RawRequest, RawReply, Logger, TypeProvider>;
  }
}
