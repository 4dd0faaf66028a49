// The client of the atcute project, for the tests of `peer-client.js`.

import {
  LocalActorResolver,
  PlcDidDocumentResolver,
  XrpcHandleResolver,
} from '@atcute/identity-resolver'
import { OAuthCallbackError, OAuthClient, TokenRefreshError } from '@atcute/oauth-node-client'
import { storeIn } from './store.js'

/** The adapter. */
export function adaptAtcuteClient({ resource, directory }, redirectUri) {
  const sessions = new Map()
  const client = new OAuthClient({
    metadata: { redirect_uris: [redirectUri], scope: 'atproto transition:generic' },
    actorResolver: new LocalActorResolver({
      handleResolver: new XrpcHandleResolver({ serviceUrl: resource }),
      didDocumentResolver: new PlcDidDocumentResolver({ apiUrl: directory }),
    }),
    // The library's own caches hold the process for a minute.
    stores: {
      sessions: storeIn(sessions),
      states: storeIn(new Map()),
      prMetadata: storeIn(new Map()),
      asMetadata: storeIn(new Map()),
      dpopNonces: storeIn(new Map()),
    },
  })
  // This version knows the switch but has no option for it.
  client.resolver.protectedResourceResolver.allowHttp = true
  client.resolver.authorizationServerResolver.allowHttp = true
  return {
    clientId: client.metadata.client_id,
    authorize: async (handle, state) => {
      const { url } = await client.authorize({
        target: { type: 'account', identifier: handle },
        state,
      })
      return url
    },
    callback: (parameters) => client.callback(parameters),
    restore: (did) => client.restore(did, { refresh: true }),
    fetch: (session, path, init) => session.handle(path, init),
    saved: (did) => {
      const session = sessions.get(did)
      return session && { dpopJwk: session.dpopKey, tokenSet: session.tokenSet }
    },
    isDenial: (error) => error instanceof OAuthCallbackError && error.error === 'access_denied',
    isEnded: (error) => error instanceof TokenRefreshError,
  }
}
