/**
 * Files of many sizes, every second of which is deleted again; a sparse one; one that grew in turn with another; a late
 * one in what was given up. About 16 MB, of which 9 stay.
 */
export const fill = (mountPoint: string): string => `
cd ${mountPoint}
mkdir many small
head -c 1M /dev/urandom | split -a 4 -b 3000 - small/
head -c 6M /dev/urandom | split -a 4 -b 43210 - many/
head -c 4M /dev/urandom > large
truncate -s 9M sparse
for place in 1 4 8; do head -c 70000 /dev/urandom | dd of=sparse bs=1M seek=$place conv=notrunc status=none; done
for turn in $(seq 12); do
  head -c 60000 /dev/urandom >> one
  head -c 60000 /dev/urandom >> other
  sync one
done
sync -f .
for folder in small many; do ls $folder | sed -n 'p;n' | sed "s,^,$folder/," | xargs rm; done
rm other
head -c 1500000 /dev/urandom > many/late
`;
