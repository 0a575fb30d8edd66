import type { ReactNode } from "react";

/** Nothing is here yet: why, and the one thing to do. */
export function Empty({ art, title, children, action }: { art?: ReactNode; title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="card grid justify-items-center gap-2 px-6 py-14 text-center">
      {art !== undefined && <div className="mb-3 flex items-center gap-3 text-soft">{art}</div>}
      <h2 className="text-lg font-semibold text-balance">{title}</h2>
      {children !== undefined && <p className="max-w-md text-soft text-pretty">{children}</p>}
      {action !== undefined && <div className="mt-4">{action}</div>}
    </div>
  );
}
