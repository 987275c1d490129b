// What of an ELF file tells whether it was stripped. Other systems keep debug information elsewhere.

/** Whether a 64-bit ELF file has sections of DWARF. */
export function hasDebugInformation(file) {
  const isElf64 = file.length >= 64 && file.readUInt32BE(0) === 0x7f454c46 && file[4] === 2;
  if (!isElf64) return false;
  const [table, size, count] = [Number(file.readBigUInt64LE(0x28)), file.readUInt16LE(0x3a), file.readUInt16LE(0x3c)];
  const section = (i) => {
    const at = table + i * size;
    return { name: file.readUInt32LE(at), offset: Number(file.readBigUInt64LE(at + 0x18)) };
  };
  const names = section(file.readUInt16LE(0x3e)).offset;
  return Array.from({ length: count }, (_, i) => names + section(i).name).some((at) => {
    const name = file.toString('latin1', at, at + '.debug_info'.length);
    return name === '.debug_info' || name === '.zdebug_inf';
  });
}
