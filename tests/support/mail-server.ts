/** A real SMTP server with an inbox. It can be told to refuse, to hang and to break off. */

import type { AddressInfo } from 'node:net';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer } from 'smtp-server';

export type MailTrouble =
  | { readonly at: 'recipient' | 'message'; readonly code: number; readonly words: string; readonly of?: string }
  | 'hang'
  | 'reset';

export interface ReceivedMail extends Email {
  readonly recipients: readonly string[];
}

interface MailServerOptions {
  readonly password?: string;
  /** With a certificate that nobody trusts. */
  readonly tls?: boolean;
}

export class MailServer {
  readonly #received: { readonly source: Buffer; readonly recipients: readonly string[] }[] = [];
  connections = 0;
  readonly #troubles: MailTrouble[] = [];
  readonly #server: SMTPServer;
  readonly #waiting: (() => void)[] = [];

  private constructor({ password, tls = false }: MailServerOptions) {
    this.#server = new SMTPServer({
      logger: false,
      closeTimeout: 10,
      authOptional: password === undefined,
      allowInsecureAuth: true,
      disabledCommands: tls ? [] : ['STARTTLS'],
      onAuth: (auth, _session, done) => {
        if (auth.password === password) done(null, { user: auth.username });
        else done(answer(535, `5.7.8 wrong: ${auth.username} ${auth.password}`));
      },
      onConnect: (_session, done) => {
        this.connections += 1;
        for (const wake of this.#waiting.splice(0)) wake();
        const [trouble] = this.#troubles;
        if (trouble !== 'hang' && trouble !== 'reset') return done();
        this.#troubles.shift();
        if (trouble === 'reset') for (const { _socket: socket } of this.#server.connections as any) socket.destroy();
      },
      onRcptTo: (address, _session, done) => {
        done(this.#refusal('recipient', address.address));
      },
      onData: (stream, session, done) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          const refusal = this.#refusal('message');
          if (refusal !== null) return done(refusal);
          const recipients = session.envelope.rcptTo.map(({ address }) => address);
          this.#received.push({ source: Buffer.concat(chunks), recipients });
          done(null, `queued as ${this.#received.length}`);
        });
      },
    });
    this.#server.on('error', () => {});
  }

  static async start(options: MailServerOptions = {}): Promise<MailServer> {
    const server = new MailServer(options);
    await new Promise<void>((resolve) => {
      server.#server.listen(0, '0.0.0.0', resolve);
    });
    return server;
  }

  url(host = '127.0.0.1', user = ''): string {
    return `smtp://${user === '' ? '' : `${user}@`}${host}:${(this.#server.server.address() as AddressInfo).port}`;
  }

  /** What was taken, as a mail program reads it. */
  inbox(): Promise<readonly ReceivedMail[]> {
    return Promise.all(
      this.#received.map(async ({ source, recipients }) => ({ ...(await PostalMime.parse(source)), recipients })),
    );
  }

  /** One for each of the next connections. */
  misbehave(...troubles: readonly MailTrouble[]): void {
    this.#troubles.push(...troubles);
  }

  /** Resolves when so many connections were made. */
  async connected(count: number): Promise<void> {
    while (this.connections < count) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(resolve);
    });
  }

  #refusal(at: 'recipient' | 'message', of?: string): Error | null {
    const [trouble] = this.#troubles;
    if (trouble === undefined || typeof trouble === 'string' || trouble.at !== at) return null;
    if (trouble.of !== undefined && trouble.of !== of) return null;
    this.#troubles.shift();
    return answer(trouble.code, trouble.words);
  }
}

function answer(code: number, words: string): Error {
  return Object.assign(new Error(words), { responseCode: code });
}
