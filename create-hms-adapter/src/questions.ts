import { failure } from "./failure.js";

/** Asks a person. Each rejects with `cancelled` when the person leaves. */
export interface Questions {
  /** `problemOf` tells what is wrong with an answer; `initial` is the answer when nothing is typed. */
  text(
    question: string,
    options: { initial?: string; example?: string; problemOf: ProblemOf },
  ): Promise<string>;
  one<Value extends string>(question: string, choices: readonly Choice<Value>[]): Promise<Value>;
  /** At least one of them. */
  several(question: string, choices: readonly Choice<string>[]): Promise<string[]>;
}

export interface Choice<Value extends string> {
  readonly value: Value;
  readonly label: string;
}

type ProblemOf = (text: string) => string | undefined;

/** Questions on the terminal; undefined where nobody can answer: standard input or output is no terminal, or in CI. */
export async function terminalQuestions(env: NodeJS.ProcessEnv): Promise<Questions | undefined> {
  if (!process.stdin.isTTY || !process.stdout.isTTY || (env.CI ?? "") !== "") return undefined;
  const { isCancel, multiselect, select, text } = await import("@clack/prompts");
  const answered = <Value>(answer: Value): Exclude<Value, symbol> => {
    if (isCancel(answer)) throw failure("cancelled", "nothing was made");
    return answer as Exclude<Value, symbol>;
  };
  return {
    text: async (message, { initial, example, problemOf }) =>
      answered(
        await text({
          message,
          ...(initial === undefined ? {} : { defaultValue: initial, placeholder: initial }),
          ...(example === undefined ? {} : { placeholder: example }),
          validate: (value) => problemOf(value || initial || ""),
        }),
      ),
    one: async (message, choices) =>
      answered(await select<string>({ message, options: [...choices] })) as (typeof choices)[number]["value"],
    several: async (message, choices) =>
      answered(await multiselect<string>({ message, options: [...choices], required: true })),
  };
}
