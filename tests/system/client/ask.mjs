// Asks a places server by Google's own client library: a line of parameters in, the answer's data out.
//
//     ask.mjs URL < PARAMETERS
import readline from 'node:readline';

import {Client} from '@googlemaps/google-maps-services-js';

const client = new Client({});
const url = process.argv[2];
for await (const line of readline.createInterface({input: process.stdin})) {
    const request = {params: JSON.parse(line), url, timeout: 5000};
    // An answer whose status is a fault is thrown.
    const answer = await client.placesNearby(request).catch((fault) => fault.response);
    console.log(JSON.stringify(answer.data));
}
