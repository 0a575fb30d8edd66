import { useMutation } from "@tanstack/react-query";
import { Download } from "lucide-react";

import { sentence } from "../../api/errors";
import { useHerald } from "../../connections/api";
import { Button } from "../../ui/Button";
import { useToast } from "../../ui/Toasts";
import type { Subject } from "./api";
import { exported, EXPORTS } from "./export";
import type { Range } from "./range";

/** The report as it is shown, as files. */
export function ExportButtons({ subject, range }: { subject: Subject; range: Range }) {
  const herald = useHerald();
  const toast = useToast();
  const make = useMutation({
    mutationFn: (format: string) => exported(herald, subject, range, format),
    onSuccess: (file, format) => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(file);
      link.download = `herald-${subject.talentId}-${range.from}-to-${range.to}.${format}`;
      link.click();
      URL.revokeObjectURL(link.href);
    },
    onError: (error) => toast({ tone: "bad", text: sentence(error) }),
  });
  return EXPORTS.map(({ format, name }) => (
    <Button key={format} icon={<Download aria-hidden size={16} />} busy={make.isPending && make.variables === format} onClick={() => make.mutate(format)}>
      Export {name}
    </Button>
  ));
}
