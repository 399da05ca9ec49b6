/** Blanks out secrets in texts that others read: log lines, and failures of places that like to echo keys. Pure. */

/** Shorter values are ordinary words, and blanking them would make every message unreadable. */
const SECRET_CHARACTERS_MIN = 6;

const SHOWN_INSTEAD = '[secret]';

/** What follows these words is a credential, whoever made it (Basic joins two secrets). */
const AUTHORIZATION = /\b(Basic|Bearer|ApiKey|Token)\s+[A-Za-z0-9+/._~=:-]{6,}/gi;

export function redactor(secrets: Iterable<string>): (text: string) => string {
  const forms = new Set<string>();
  for (const secret of secrets) {
    if (secret.length < SECRET_CHARACTERS_MIN) continue;
    forms.add(secret);
    forms.add(encodeURIComponent(secret));
    forms.add(Buffer.from(secret).toString('base64'));
    forms.add(JSON.stringify(secret).slice(1, -1));
  }
  // Longest first: one secret may contain another.
  const ordered = [...forms].toSorted((a, b) => b.length - a.length);
  return (text) =>
    ordered
      .reduce((result, secret) => result.replaceAll(secret, SHOWN_INSTEAD), text)
      .replace(AUTHORIZATION, `$1 ${SHOWN_INSTEAD}`);
}
