import { UserManager, WebStorageStateStore, type User } from "oidc-client-ts";

import { BASE, type Config } from "./config";

export type Role = "admin" | "talent";

/** Who is here, as the token says. What they may do, the API decides. */
export interface Session {
  role: Role;
  workspace: string;
  talentId: string | null;
  subject: string;
}

/** The payload of a JWT; the API checks the signature, here it only decides what is shown. */
export function claimsOf(token: string): Record<string, unknown> {
  const part = token.split(".")[1] ?? "";
  const bytes = Uint8Array.from(atob(part.replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
}

export function sessionOf(token: string, names: Config["claims"]): Session | null {
  let claims: Record<string, unknown>;
  try {
    claims = claimsOf(token);
  } catch {
    return null;
  }
  const text = (name: string) => (typeof claims[name] === "string" ? (claims[name] as string) : null);
  const [role, workspace, talentId] = [text(names.role), text(names.workspace), text(names.talent)];
  if (workspace === null || (role !== "admin" && role !== "talent")) return null;
  if (role === "talent" && talentId === null) return null;
  return { role, workspace, talentId: role === "talent" ? talentId : null, subject: text("sub") ?? "" };
}

/** Log-in by authorization code with a proof key. Tokens live in this tab's session storage, never in a cookie. */
export class Login {
  readonly manager: UserManager;

  constructor(private readonly config: Config) {
    const here = window.location.origin;
    this.manager = new UserManager({
      authority: config.issuer,
      client_id: config.clientId,
      redirect_uri: `${here}${BASE}/login`,
      post_logout_redirect_uri: `${here}${BASE}`,
      response_type: "code",
      scope: config.scope,
      extraQueryParams: { audience: config.audience },
      userStore: new WebStorageStateStore({ store: window.sessionStorage }),
      stateStore: new WebStorageStateStore({ store: window.sessionStorage }),
      loadUserInfo: false,
      automaticSilentRenew: true,
    });
  }

  private tokenOf(user: User | null): string | null {
    if (user === null || user.expired === true) return null;
    return this.config.token === "id" ? (user.id_token ?? null) : user.access_token;
  }

  async token(): Promise<string | null> {
    return this.tokenOf(await this.manager.getUser());
  }

  async session(): Promise<Session | null> {
    const token = await this.token();
    return token === null ? null : sessionOf(token, this.config.claims);
  }

  /** Leaves for the issuer and comes back to `path`. */
  begin(path: string): Promise<void> {
    return this.manager.signinRedirect({ state: path });
  }

  /** Completes a log-in; answers the path that was asked for before it. */
  async finish(): Promise<string> {
    const user = await this.manager.signinCallback();
    const path = user?.state;
    return typeof path === "string" && path.startsWith("/") && !path.startsWith("//") ? path : "/";
  }

  async end(): Promise<void> {
    try {
      await this.manager.signoutRedirect();
    } catch {
      // An issuer without an end of sessions: this tab forgets all the same.
      await this.manager.removeUser();
      window.location.assign(BASE);
    }
  }
}
