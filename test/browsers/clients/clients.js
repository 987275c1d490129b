// What the pages of test/browsers use: each package as it is published.
export { WHIPClient } from 'whip-whep/whip.js';
export { WHEPClient } from 'whip-whep/whep.js';
export { WHIPClient as EyevinnWHIPClient } from '@eyevinn/whip-web-client';
