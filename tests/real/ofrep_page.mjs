// A page's use of the switchboard: OpenFeature's web SDK with its OFREP provider, which follows the stream of changes.
import { EventSource } from 'eventsource';
import { OFREPWebProvider } from '@openfeature/ofrep-web-provider';
import { OpenFeature, ProviderEvents } from '@openfeature/web-sdk';

// What a browser has and Node.js 20 has not.
globalThis.EventSource = EventSource;

const tell = (name, told) => console.log(JSON.stringify({ name, ...told }));
const client = OpenFeature.getClient();
const read = () => ({
  route: client.getStringDetails('route.chat', 'default'),
  feature: client.getBooleanDetails('feature.autoreply', false),
  cap: client.getObjectDetails('cap.daily', {}),
});
client.addHandler(ProviderEvents.ConfigurationChanged, (event) => tell('changed', { flags: event?.flagsChanged, ...read() }));
client.addHandler(ProviderEvents.Error, (event) => tell('error', { message: event?.message }));

await OpenFeature.setContext({ targetingKey: 'user-1' });
await OpenFeature.setProviderAndWait(new OFREPWebProvider({ baseUrl: process.argv[2], cacheMode: 'disabled' }));
tell('ready', read());
process.stdin.on('end', () => process.exit(0)).resume();
