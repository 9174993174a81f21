// The caller's token and namespace: from the link's fragment, which no server ever sees, or from the form; kept for this tab.
const TOKEN = 'berth.token';
const NAMESPACE = 'berth.namespace';

export function load() {
  const given = new URLSearchParams(location.hash.slice(1));
  if (given.has('token')) {
    save(given.get('token'), given.get('namespace') ?? '');
    history.replaceState(null, '', location.pathname); // out of the address bar and of what is copied from it
  }
  return { token: sessionStorage.getItem(TOKEN) ?? '', namespace: sessionStorage.getItem(NAMESPACE) ?? '' };
}

export function save(token, namespace) {
  sessionStorage.setItem(TOKEN, token);
  sessionStorage.setItem(NAMESPACE, namespace);
}

export function forget() {
  sessionStorage.removeItem(TOKEN);
}
