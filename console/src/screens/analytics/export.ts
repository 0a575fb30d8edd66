import { data } from "../../api/client";
import type { operations } from "../../api/schema";
import type { Herald } from "../../connections/api";
import type { Subject } from "./api";
import type { Range } from "./range";

type ContentType = keyof operations["analytics.export"]["responses"][200]["content"];

/** The files that the contract has: one that it gains does not compile until it stands here. */
const FORMATS: Record<ContentType, { format: string; name: string }> = {
  "text/csv": { format: "csv", name: "CSV" },
  "application/pdf": { format: "pdf", name: "PDF" },
};
export const EXPORTS = Object.values(FORMATS);

/** The report as a file. */
export function exported({ api, role }: Herald, { talentId, platform, connectionId }: Subject, range: Range, format: string): Promise<Blob> {
  const query = { ...range, format, ...(platform === undefined ? {} : { platform }), ...(connectionId === undefined ? {} : { connectionId }) };
  const params = { query };
  return role === "talent"
    ? data(api.GET("/api/exclusive/analytics/export", { params, parseAs: "blob" }))
    : data(api.GET("/api/admin/talent/{talentId}/analytics/export", { params: { ...params, path: { talentId } }, parseAs: "blob" }));
}
