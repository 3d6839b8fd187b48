// What the server is asked and told. An answer that is none is an error with the server's own sentence.

async function answered(response) {
  const found = await response.json().catch(() => null);
  if (response.ok && found !== null) return found;
  throw new Error((found && found.error) || `The server did not answer (${response.status}). Is byrote view still running?`);
}

async function send(path, options) {
  let response;
  try {
    response = await fetch(path, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server does not answer. Is byrote view still running?");
  }
  return answered(response);
}

export function get(path, given = {}, signal = undefined) {
  const query = new URLSearchParams(Object.entries(given).filter(([, value]) => value !== "" && value !== null && value !== undefined)).toString();
  return send(query ? `${path}?${query}` : path, { signal });
}

export const post = (path, body = {}) => send(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
