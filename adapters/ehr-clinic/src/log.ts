import type { LogFields, Logger } from "@hms-sync/client";

/** One JSON object a line on standard error: ids, codes and counts, never a payload. */
export const log: Logger = { info: at("info"), warn: at("warn"), error: at("error") };

function at(level: string): (msg: string, fields?: LogFields) => void {
  return (msg, fields) => {
    const line = { time: new Date().toISOString(), level, msg, ...fields };
    process.stderr.write(`${JSON.stringify(line)}\n`);
  };
}
