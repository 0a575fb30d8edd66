import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { vi } from "vitest";

const root = join(import.meta.dirname, "../..");

/** The local stack, as `cargo run` starts it, on a port and a folder of its own. */
export class Stack {
  private constructor(
    readonly origin: string,
    private readonly process: ChildProcess,
    private readonly folder: string,
  ) {}

  static async start(variables: Record<string, string> = {}): Promise<Stack> {
    const program = process.env["HERALD_LOCAL"] ?? join(root, process.env["CARGO_TARGET_DIR"] ?? "target", "debug/local");
    if (!existsSync(program)) throw new Error(`${program} is not there: cargo build --workspace`);
    const folder = mkdtempSync(join(tmpdir(), "herald-console-"));
    const child = spawn(program, {
      cwd: root,
      env: { ...process.env, ...variables, HERALD_PORT: "0", HERALD_DATA: folder, HERALD_EXIT_WITH_STDIN: "1" },
      stdio: ["pipe", "pipe", "inherit"],
    });
    const origin = await new Promise<string>((resolve, reject) => {
      let text = "";
      child.stdout?.on("data", (chunk: Buffer) => {
        text += chunk.toString();
        const address = /^Herald +(http:\S+)/m.exec(text)?.[1];
        if (address !== undefined && text.includes("Herald is ready.")) resolve(address);
      });
      child.on("exit", (code) => reject(new Error(`the local stack ended with ${code}: ${text}`)));
    });
    return new Stack(origin, child, folder);
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.stdin?.end();
    await ended;
    rmSync(this.folder, { recursive: true, force: true });
  }

  async token(query = "workspace=demo&role=admin"): Promise<string> {
    const { token } = (await (await fetch(`${this.origin}/local/token?${query}`)).json()) as { token: string };
    return token;
  }

  /** A call by staff, unless another token is given. */
  async call<T = Record<string, unknown>>(method: string, path: string, body?: unknown, token?: string): Promise<{ status: number; body: T }> {
    const response = await fetch(this.origin + path, {
      method,
      headers: { authorization: `Bearer ${token ?? (await this.token())}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: (text === "" ? null : JSON.parse(text)) as T };
  }

  /** What the local stack itself may be told to do. */
  async control<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.origin}/local${path}`, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    if (!response.ok) throw new Error(`${method} /local${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  /** What the simulated platforms may be told to do. */
  async world<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${await this.simulator()}/_control${path}`, {
      method,
      headers: { "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  /** Lets all clocks go on, and waits until the work of these queues that is due then is done. */
  async pass(seconds: number, schedules: string[] = [], queues: string[] = []): Promise<void> {
    await Promise.all([this.control("POST", "/clock", { advanceSeconds: seconds }), this.world("POST", "/clock", { advanceSeconds: seconds })]);
    for (const schedule of schedules) await this.control("POST", `/schedules/${schedule}`);
    await this.idle(queues);
  }

  /** Waits until nothing is in these queues. */
  async idle(queues: string[]): Promise<void> {
    await vi.waitFor(
      async () => {
        const depths = await this.control<Record<string, { waiting: number; in_flight: number }>>("GET", "/queues");
        for (const queue of queues) if (depths[queue]?.waiting !== 0 || depths[queue]?.in_flight !== 0) throw new Error(`${queue} is at work`);
      },
      { timeout: 60_000, interval: 30 },
    );
  }

  /** Where the simulated platforms take their orders. */
  async simulator(): Promise<string> {
    return ((await (await fetch(`${this.origin}/local/simulator`)).json()) as { url: string }).url;
  }
}
