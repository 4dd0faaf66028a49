// The official Node client, for the tests of `peer-client.js`.

import { storeIn } from './store.js'

/** An adapter for one version of the library. */
export function adaptOfficialClient(library) {
  return ({ resource, directory }, redirectUri) => {
    const sessions = new Map()
    const clientMetadata = library.buildAtprotoLoopbackClientMetadata({
      scope: 'atproto transition:generic',
      redirect_uris: [redirectUri],
    })
    const client = new library.NodeOAuthClient({
      clientMetadata,
      allowHttp: true,
      handleResolver: resource,
      plcDirectoryUrl: directory,
      requestLock: library.requestLocalLock,
      stateStore: storeIn(new Map()),
      sessionStore: storeIn(sessions),
    })
    return {
      clientId: clientMetadata.client_id,
      authorize: (handle, state) => client.authorize(handle, { state }),
      callback: (parameters) => client.callback(parameters),
      restore: (did) => client.restore(did, true),
      fetch: (session, path, init) => session.fetchHandler(path, init),
      saved: (did) => sessions.get(did),
      isDenial: (error) =>
        error instanceof library.OAuthCallbackError && error.params.get('error') === 'access_denied',
      isEnded: (error) => error instanceof library.TokenRefreshError,
    }
  }
}
