// A client library's store that forgets with the test.

/** The libraries' store interface over a map. */
export function storeIn(map) {
  const remove = async (key) => void map.delete(key)
  return {
    get: async (key) => map.get(key),
    set: async (key, value) => void map.set(key, value),
    del: remove,
    delete: remove,
    clear: async () => map.clear(),
  }
}
