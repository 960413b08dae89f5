// Runs named checks one after the other and prints a line of JSON for each: {"check", "why"}, why empty if it holds.
export const URL = process.env.GATEWAY;
export const WEATHER = {
  type: "object",
  properties: { city: { type: "string", maxLength: 8 } },
  required: ["city"],
  additionalProperties: false,
};
export const ask = (text) => [{ role: "user", content: text }];

export async function run(checks) {
  for (const [check, holds] of Object.entries(checks)) {
    let why = "";
    try {
      await holds();
    } catch (error) {
      why = `${error?.stack ?? error}`;
    }
    console.log(JSON.stringify({ check, why }));
  }
}

// What a promise is refused with; fails if it is not.
export async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it was not refused");
}
