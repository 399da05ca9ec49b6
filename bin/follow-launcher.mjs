/** Loaded into a child of `launch.mjs`: when the launcher was killed, asks this process to stop as well. */

process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
// The channel is there to notice its end; it must not keep a finished process alive.
process.channel?.unref();
