// The official client for Node.js against an address: node check.mjs BASE_URL KEY MANAGEMENT_KEY
// Prints what it saw as JSON. An answer that the client finds invalid ends it with an error.
import { OpenRouter } from "@openrouter/sdk";

const [serverURL, apiKey, managementKey] = process.argv.slice(2);
const once = { serverURL, retryConfig: { strategy: "none" } };
const client = new OpenRouter({ apiKey, ...once });
const manager = new OpenRouter({ apiKey: managementKey, ...once });

const ask = {
  model: "anthropic/claude-haiku-4.5",
  messages: [{ role: "user", content: "Tell me about bees" }],
  maxCompletionTokens: 2000,
};
const weather = {
  type: "function",
  function: { name: "weather", parameters: { type: "object", properties: { city: { type: "string" } } } },
};
const shapes = {
  plain: {},
  tools: { tools: [weather], toolChoice: "required" },
  reasoning: { model: "openai/gpt-5-mini", reasoning: { effort: "high" } },
  search: { plugins: [{ id: "web" }] },
  auto: { model: "openrouter/auto" },
  empty: { messages: [{ role: "user", content: "Bees? [[wire: empty]]" }] },
  failing: { messages: [{ role: "user", content: "Bees? [[fault: error usage=1]]" }] },
};

const chats = {};
for (const [name, more] of Object.entries(shapes)) {
  const whole = await client.chat.send({ chatRequest: { ...ask, ...more, stream: false } });
  chats[`${name} whole`] = { text: whole.choices[0].message.content, cost: whole.usage.cost };
  const seen = { text: "", cost: null, tools: 0, id: null };
  for await (const chunk of await client.chat.send({ chatRequest: { ...ask, ...more, stream: true } })) {
    const delta = chunk.choices[0]?.delta;
    seen.id ??= chunk.id;
    seen.text += delta?.content ?? "";
    seen.tools += delta?.toolCalls?.length ?? 0;
    seen.cost = chunk.usage?.cost ?? seen.cost;
  }
  chats[`${name} stream`] = seen;
}

let models = 0;
for await (const page of await client.models.list()) models += page.result.data.length;
const made = await manager.apiKeys.create({ requestBody: { name: "From Node", limit: 5 } });
const hash = made.data.hash;
await manager.apiKeys.update({ hash, requestBody: { name: "Renamed" } });
const report = {
  chats,
  models,
  key: (await client.apiKeys.getCurrentKeyMetadata()).data.usage,
  listed: (await manager.apiKeys.list()).data?.length ?? null,
  renamed: (await manager.apiKeys.get({ hash })).data.name,
  deleted: (await manager.apiKeys.delete({ hash })).deleted,
  credits: (await manager.credits.getCredits()).data.totalCredits,
  activity: (await manager.analytics.getUserActivity()).data.length,
  generation: (await client.generations.getGeneration({ id: chats["plain stream"].id })).data.totalCost,
  endpoints: (await client.endpoints.list({ author: "openai", slug: "gpt-5-mini" })).data.endpoints.length,
  providers: (await client.providers.list()).data.length,
  benchmarks: (await client.benchmarks.getBenchmarks()).data.length,
  tasks: (await client.classifications.getTaskClassifications()).data.classifications.length,
};
console.log(JSON.stringify(report));
