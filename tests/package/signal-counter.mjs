/** Started by `launch.test.ts`: prints what it hears, and ends with 7 at the word of a SIGTERM. */

process.on('SIGINT', () => console.log('heard SIGINT'));
process.on('SIGTERM', () => {
  console.log('heard SIGTERM');
  process.exit(7);
});
setInterval(() => {}, 1_000);
console.log(`ready ${process.pid} ${process.argv.slice(2).join(' ')}`);
