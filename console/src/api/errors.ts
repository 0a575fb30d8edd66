import type { Problem } from "./types";

/** A refusal of the API, or none at all: what went wrong, for a person. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly code: string,
    readonly requestId: string | null = null,
    readonly problems: Problem[] = [],
  ) {
    super(message);
    this.name = "ApiError";
  }

  /** Whether the request never reached the API, so that nothing is known to have happened. */
  get isOffline(): boolean {
    return this.status === 0;
  }
}

export const offline = () =>
  new ApiError("Herald cannot be reached. Check your connection; nothing was lost.", 0, "offline");

/** What a refusal says. An answer that is none of the API's own becomes a sentence all the same. */
export function refusal(status: number, body: unknown): ApiError {
  const fields = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  const text = (name: string) => (typeof fields[name] === "string" ? (fields[name] as string) : null);
  const problems = Array.isArray(fields["problems"]) ? (fields["problems"] as Problem[]) : [];
  const sentence = text("error") ?? (status >= 500 ? "Herald has a problem. Try again in a minute." : "Herald refused this.");
  return new ApiError(sentence, status, text("code") ?? `http_${status}`, text("requestId"), problems);
}

export function sentence(error: unknown): string {
  return error instanceof Error ? error.message : "Something went wrong. Try again.";
}
