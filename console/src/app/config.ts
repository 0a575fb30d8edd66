/** What this installation tells its console. */
export interface Config {
  version: string;
  publicUrl: string;
  issuer: string;
  audience: string;
  clientId: string;
  scope: string;
  token: "access" | "id";
  claims: { workspace: string; role: string; talent: string };
}

export const BASE = "/console";

export async function loadConfig(): Promise<Config> {
  const response = await fetch(`${BASE}/config.json`);
  if (!response.ok) throw new Error(`config.json: ${response.status}`);
  return (await response.json()) as Config;
}

/** `localhost` and `127.0.0.1` are one machine and two origins; the console lives at the one that the issuer knows. */
export function properAddress(config: Config, here: Location): string | null {
  const wanted = new URL(config.publicUrl);
  const isSame = here.hostname === "localhost" && wanted.hostname === "127.0.0.1" && here.port === wanted.port;
  return isSame ? `${wanted.origin}${here.pathname}${here.search}${here.hash}` : null;
}
