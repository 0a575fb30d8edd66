import createClient, { type Client, type Middleware } from "openapi-fetch";

import { offline, refusal } from "./errors";
import type { paths } from "./schema";

export type Api = Client<paths>;

export interface Access {
  /** The origin of Herald; empty for the page's own. */
  baseUrl: string;
  /** A token that is good now. */
  token: () => Promise<string | null>;
  /** The token was refused: the session is over. */
  onUnauthorized?: () => void;
}

interface Kept {
  etag: string;
  body: string;
}

/** Answers that were read before, so that a poll of what did not change costs a 304 and no body. */
const MOST_KEPT = 200;

/** The API's client. A refusal and a broken line are thrown as `ApiError`, so that no caller can forget them. */
export function createApi(access: Access): Api {
  const kept = new Map<string, Kept>();
  const client = createClient<paths>({
    baseUrl: access.baseUrl,
    fetch: async (request) => {
      const token = await access.token();
      if (token !== null) request.headers.set("authorization", `Bearer ${token}`);
      const known = request.method === "GET" ? kept.get(request.url) : undefined;
      if (known !== undefined) request.headers.set("if-none-match", known.etag);
      let response: Response;
      try {
        response = await fetch(request, { cache: "no-store" });
      } catch {
        throw offline();
      }
      if (response.status === 304 && known !== undefined) {
        return new Response(known.body, { status: 200, headers: { "content-type": "application/json", etag: known.etag } });
      }
      const etag = response.headers.get("etag");
      if (request.method === "GET" && response.status === 200 && etag !== null) {
        const body = await response.clone().text();
        kept.delete(request.url);
        kept.set(request.url, { etag, body });
        const oldest = kept.keys().next();
        if (kept.size > MOST_KEPT && !oldest.done) kept.delete(oldest.value);
      }
      return response;
    },
  });
  client.use(refusals(access));
  return client;
}

function refusals(access: Access): Middleware {
  return {
    async onResponse({ response }) {
      if (response.ok) return;
      const body: unknown = await response.json().catch(() => null);
      if (response.status === 401) access.onUnauthorized?.();
      throw refusal(response.status, body);
    },
  };
}

/** The body of an answer that the contract promises. */
export async function data<T>(answer: Promise<{ data?: T | undefined; response: Response }>): Promise<T> {
  const { data, response } = await answer;
  if (data === undefined) throw refusal(response.status, null);
  return data;
}

/** A key that makes a repeated click, or a repeated request after a broken line, one effect. */
export const idempotencyKey = (): string => crypto.randomUUID();
