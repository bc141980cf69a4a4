// An SMSC by node-smpp: takes what is submitted, delivers its receipt and one message from a phone, and tells all of it, a line each.
// As many do, it answers in padded hexadecimal and reports in decimal.
'use strict';
const smpp = require('smpp');

const tell = (what) => console.log(JSON.stringify(what));
let submitted = 0;
const server = smpp.createServer({}, (session) => {
  session.on('error', () => {});
  session.on('bind_transceiver', (pdu) => {
    const known = pdu.system_id === 'acme' && pdu.password === 'secret';
    session.send(pdu.response({ command_status: known ? smpp.ESME_ROK : smpp.ESME_RINVPASWD, system_id: 'smsc' }));
    if (!known) session.close();
  });
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => {
    tell({ unbound: true });
    session.send(pdu.response());
    session.close();
  });
  session.on('submit_sm', (pdu) => {
    const number = 0xa10 + ++submitted;
    const id = number.toString(16).padStart(8, '0');
    session.send(pdu.response({ message_id: id }));
    const { message, udh } = pdu.short_message;
    tell({ id, to: pdu.destination_addr, from: pdu.source_addr, text: message, parts: udh ? udh.length : 0, coding: pdu.data_coding });
    const receipt = `id:${number} sub:001 dlvrd:001 submit date:2611271200 done date:2611271201 stat:DELIVRD err:000 text:`;
    const back = { source_addr: pdu.destination_addr, destination_addr: pdu.source_addr };
    session.deliver_sm({ ...back, esm_class: 4, short_message: receipt }, (answer) => tell({ receipt: answer.command_status }));
    if (submitted > 1) return;
    const code = 'G-482913 is your Google verification code. \u20ac';
    const phone = { source_addr: '12025550187', destination_addr: '12025550100' };
    session.deliver_sm({ ...phone, short_message: code }, (answer) => tell({ message: answer.command_status }));
  });
});
server.listen(0, '127.0.0.1', () => tell({ port: server.address().port }));
