// planted: lint/style/noRestrictedImports
import '../policy/contract.ts';
