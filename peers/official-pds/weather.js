// A bad network in front of a server's token endpoint: requests that never arrive, and answers that come
// late. Lost answers aren't among it: after one, the official server ends the session.

const LATEST_MS = 500

/** Puts the weather before the server's own handlers. `lost` and `late` are shares of 1000 requests. */
export function putWeather(server, { lost, late }) {
  const handlers = server.listeners('request')
  server.removeAllListeners('request')
  server.on('request', (request, response) => {
    const handle = () => handlers.forEach((handler) => handler.call(server, request, response))
    if (request.url !== '/oauth/token') return handle()
    const draw = Math.random() * 1000
    if (draw < lost) return request.socket.destroy()
    if (draw >= lost + late) return handle()
    const end = response.end
    response.end = (...words) => {
      setTimeout(() => end.apply(response, words), Math.random() * LATEST_MS)
      return response
    }
    return handle()
  })
}
